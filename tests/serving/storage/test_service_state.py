"""Tests of the service's small facts in the database."""

import pytest

from serving.storage import Database
from serving.storage.service_state import ServiceState
from tests.serving.cases import NOW


@pytest.mark.parametrize("value", [1, 2.5, "text", "7", True, [1, "a"], {"version": "3", "rows": 12}])
def test_any_json_value_comes_back_as_it_was_put(database: Database, value: object) -> None:
    with database.transaction() as transaction:
        ServiceState(transaction).put("key", "older", NOW)
        ServiceState(transaction).put("key", value, NOW)
        assert ServiceState(transaction).get("key") == value
        assert ServiceState(transaction).get("other") is None
