"""Quarantine: what was set aside is kept as it came, and shown."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.activity.lake import Lake
from features.activity.quarantine import Quarantine
from tests.features.activity.exports import IMPORTED_AT, Desk, accounts, orders, transfers


def test_a_row_is_kept_as_it_came_with_its_file_and_place(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), order_events=orders(price=["1", "dear", "2"]))
    (row,) = desk.home.quarantine.rows().to_pylist()
    assert (row["origin"], row["row_number"]) == ("order_events.parquet", 2)
    assert row["quarantined_at"] == IMPORTED_AT
    assert json.loads(row["original"])["price"] == "dear"
    assert json.loads(row["original"])["order_id"] == "o1"


def test_only_rows_of_unknown_accounts_are_tried_again(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), order_events=orders(account_id=["a", "b", "b"], price=[-1.0, 1.0, -1.0]))
    assert len(desk.set_aside()) == 3
    assert desk.take(accounts=accounts("b")).tables["order_events"].released == 1
    assert len(desk.set_aside()) == 2


def test_an_empty_quarantine_has_no_rows(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine")
    assert (quarantine.rows().num_rows, quarantine.count()) == (0, 0)


def test_a_quarantine_of_one_file_that_an_older_version_wrote_is_read_retried_and_added_to(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), order_events=orders(account_id=["a", "b", "b"], price=[-1.0, 1.0, 1.0]))
    rows, folder = desk.home.quarantine.rows(), desk.home.quarantine.folder
    for path in folder.iterdir():
        path.unlink()
    pq.write_table(rows, folder / "quarantine.parquet")
    written = (folder / "quarantine.parquet").read_bytes()
    done = desk.take(accounts=accounts("b"), transfers=transfers(amount=[-1.0, 1.0, 2.0]))
    assert done.tables["order_events"].released == 2
    assert desk.set_aside() == [("order_events", "price: not positive"), ("transfers", "amount: negative")]
    assert (folder / "quarantine.parquet").read_bytes() == written


@pytest.mark.parametrize("stops", ["before the lake holds the import", "after"])
def test_rows_of_an_interrupted_import_are_set_aside_once_or_not_at_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, stops: str
) -> None:
    desk.take(accounts=accounts("a"))
    append = Lake.append

    def stopping(self: Lake, *given: Any) -> str:
        if stops == "after":
            append(self, *given)
        raise KeyboardInterrupt

    folder = desk.folder({"order_events": orders(price=[-1.0, 1.0, 1.0])})
    with monkeypatch.context() as patched:
        patched.setattr(Lake, "append", stopping)
        with pytest.raises(KeyboardInterrupt):
            desk.importing().folder(folder)
    desk.take(accounts=accounts("b"))
    assert desk.set_aside() == ([("order_events", "price: not positive")] if stops == "after" else [])
    desk.importing().folder(folder)
    assert desk.set_aside() == [("order_events", "price: not positive")]
    assert desk.home.lake.counts()["order_events"] == 2
