"""The floors: nothing unknown lets an action pass as if it were known."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from features.kernel.errors import Invalid
from serving.decisions.request import ACTION_TYPES, MONEY_OUT
from serving.policy.floors import FILE, Unknown, load_floors
from serving.policy.terms import Outcome

FLOORS = load_floors()


@pytest.mark.parametrize("action", ACTION_TYPES)
@pytest.mark.parametrize("unknown", Unknown)
def test_what_is_unknown_raises_every_action(action: str, unknown: Unknown) -> None:
    assert FLOORS.minimum(unknown, action) > Outcome.ALLOW


@pytest.mark.parametrize("action", MONEY_OUT)
def test_money_waits_while_the_record_cannot_be_read(action: str) -> None:
    assert FLOORS.minimum(Unknown.RECORD, action) >= Outcome.HOLD
    assert FLOORS.is_too_old(timedelta(hours=26, seconds=1), action)
    assert not FLOORS.is_too_old(timedelta(hours=26), action)


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("max_vector_hours", {"withdrawal": 26}, "`other` is missing"),
        ("max_vector_hours", {"other": 0}, "0"),
        ("min_outcome", {"vector": {"other": "monitor"}}, "record"),
        ("min_outcome", {"vector": {"other": "mild"}, "record": {"other": "review"}}, "mild"),
        ("min_outcome", {"vector": {"other": "monitor"}, "record": {"withdrawal": "hold"}}, "`other` is missing"),
    ],
)
def test_a_wrong_file_is_refused_and_says_where(tmp_path: Path, part: str, value: object, said: str) -> None:
    content = yaml.safe_load(FILE.read_text(encoding="utf-8")) | {part: value}
    (tmp_path / "floors.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(Invalid, match=said):
        load_floors(tmp_path / "floors.yaml")
