"""Tests of decisions in the database."""

from dataclasses import replace

import pytest

from features.kernel.errors import Conflict, NotFound
from serving.decisions.store import DecisionLog, DecisionRecord
from serving.storage import Database
from tests.serving.cases import NOW

RECORD = DecisionRecord("d1", "A1", NOW, "key1", "once", "0" * 64, {"a": 1}, {"outcome": "allow"}, [{"rule_id": "r"}])


def test_a_decision_is_found_by_its_id_and_by_the_key_it_was_asked_with(database: Database) -> None:
    other = replace(RECORD, decision_id="d2", client="key2")
    with database.transaction() as transaction:
        DecisionLog(transaction).append([RECORD, other])
        DecisionLog(transaction).append([])
    with database.reading() as transaction:
        assert DecisionLog(transaction).get("d1") == RECORD
        assert DecisionLog(transaction).answered([("key1", "once"), ("key1", "twice")]) == {("key1", "once"): RECORD}
        with pytest.raises(NotFound):
            DecisionLog(transaction).get("d3")


def test_a_key_answered_by_somebody_else_meanwhile_is_a_conflict(database: Database) -> None:
    with database.transaction() as transaction:
        DecisionLog(transaction).append([RECORD])
    with pytest.raises(Conflict, match="being answered"), database.transaction() as transaction:
        DecisionLog(transaction).append([replace(RECORD, decision_id="d3")])
