"""Quarantine: what was set aside is kept as it came, and shown."""

import json
from pathlib import Path

from features.activity.quarantine import Quarantine
from tests.features.activity.exports import IMPORTED_AT, Desk, accounts, orders


def test_a_row_is_kept_as_it_came_with_its_file_and_place(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), order_events=orders(price=["1", "dear", "2"]))
    (row,) = desk.home.quarantine.rows().to_pylist()
    assert (row["origin"], row["row_number"]) == ("order_events.parquet", 2)
    assert row["quarantined_at"] == IMPORTED_AT
    assert json.loads(row["original"])["price"] == "dear"
    assert json.loads(row["original"])["order_id"] == "o1"


def test_only_rows_of_unknown_accounts_are_tried_again(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), order_events=orders(account_id=["a", "b", "b"], price=[-1.0, 1.0, -1.0]))
    waiting = desk.home.quarantine.to_retry().to_pylist()
    assert [(row["position"], row["reason"]) for row in waiting] == [(0, "account_id: unknown account")]
    assert len(desk.set_aside()) == 3


def test_an_empty_quarantine_has_no_rows(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine")
    quarantine.release([("order_events", "{}")])
    assert quarantine.rows().num_rows == 0
