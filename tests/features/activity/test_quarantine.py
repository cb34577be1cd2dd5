"""Quarantine: what was set aside is kept as it came, and shown."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.activity import quarantine as module
from features.activity.judging import TIE
from features.activity.lake import Lake
from features.activity.quarantine import Quarantine
from tests.features.activity.exports import IMPORTED_AT, Desk, accounts, orders, transfers
from tests.features.activity.good_rows import good_row


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


def trade(**columns: Any) -> pd.DataFrame:
    """One trade between two accounts."""
    return pd.DataFrame([good_row("trades", maker_account_id="b", taker_account_id="c", **columns)])


def test_a_row_that_fails_again_for_another_reason_carries_that_one_and_is_counted_once(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), trades=trade())
    (first,) = desk.home.quarantine.rows().to_pylist()
    assert (first["reason"], first["retry"]) == ("maker_account_id: unknown account", True)
    assert desk.take(accounts=accounts("b")).tables["trades"].released == 0
    (second,) = desk.home.quarantine.rows().to_pylist()
    assert second == first | {"reason": "taker_account_id: unknown account"}
    assert desk.take(accounts=accounts("c")).tables["trades"].released == 1
    assert desk.set_aside() == []


def test_a_row_that_fails_again_for_good_is_not_tried_any_more(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), order_events=orders(1, account_id="b", price=1.0))
    (first,) = desk.home.quarantine.rows().to_pylist()
    desk.take(accounts=accounts("b"), order_events=orders(1, account_id="b", price=2.0))
    (second,) = desk.home.quarantine.rows().to_pylist()
    assert second == first | {"reason": TIE, "retry": False}
    for name in ("c", "d"):
        assert "order_events" not in desk.take(accounts=accounts(name)).tables
        assert desk.home.quarantine.rows().to_pylist() == [second]


def test_a_row_that_fails_again_for_the_same_reason_stays_as_it_came(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), order_events=orders(1, account_id="b", price="1e3"))
    first = desk.home.quarantine.rows()
    desk.take(accounts=accounts("c"))
    assert desk.home.quarantine.rows() == first


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


def refused(desk: Desk, number: int) -> None:
    """An import of one order with a price of its own that is refused, and of one that waits for its account."""
    bad = orders(1, order_id=f"bad{number}", price=-1.0 - number)
    desk.take(order_events=bad, transfers=transfers(1, transfer_id=f"t{number}", account_id=f"unknown{number}"))


@pytest.mark.parametrize("has_first_file", [False, True])
def test_many_files_become_one_that_holds_the_same_rows_in_the_same_order(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, has_first_file: bool
) -> None:
    monkeypatch.setattr(module, "MAX_PARTS", 3)
    folder = desk.home.quarantine.folder
    desk.take(accounts=accounts("a"), order_events=orders(1, price=-9.0))
    if has_first_file:
        pq.write_table(desk.home.quarantine.rows(), folder / "quarantine.parquet")
        (folder / "00000001.parquet").unlink()
    for number in range(3):
        refused(desk, number)
    before = desk.home.quarantine.rows()
    assert len(list(folder.iterdir())) == 4
    desk.take(accounts=accounts("b"))
    assert desk.home.quarantine.rows() == before
    assert len(list(folder.iterdir())) == 5, "whoever reads the files still can"
    desk.take(accounts=accounts("c"))
    (whole,) = folder.iterdir()
    assert pq.read_metadata(whole).num_rows == before.num_rows == 7
    assert desk.home.quarantine.rows() == before
    assert desk.take(accounts=accounts("unknown1")).tables["transfers"].released == 1
    assert len(desk.set_aside()) == 6
    refused(desk, 3)
    assert [reason for _, reason in desk.set_aside()][-2:] == ["price: not positive", "account_id: unknown account"]


def test_released_rows_are_not_in_the_file_that_many_become(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PARTS", 2)
    desk.take(accounts=accounts("a"), order_events=orders(account_id="b"))
    desk.take(accounts=accounts("b"))
    desk.take(order_events=orders(1, price=-1.0))
    for name in ("c", "d"):
        desk.take(accounts=accounts(name))
    (whole,) = desk.home.quarantine.folder.iterdir()
    assert pq.read_table(whole).column("reason").to_pylist() == ["price: not positive"]


@pytest.mark.parametrize("stops", ["while it is written", "before it has its name", "while the others are removed"])
def test_an_interruption_while_many_files_become_one_changes_no_row(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, stops: str
) -> None:
    desk.take(accounts=accounts("a"))
    for number in range(3):
        refused(desk, number)
    before = desk.home.quarantine.rows()

    def stopping(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "MAX_PARTS", 2)
        if stops == "while it is written":
            patched.setattr(module, "_to", stopping)
        elif stops == "before it has its name":
            patched.setattr(Path, "replace", stopping)
        else:
            desk.take(accounts=accounts("b"))
            patched.setattr(Path, "unlink", stopping)
        with pytest.raises(KeyboardInterrupt):
            desk.take(accounts=accounts("c"))
        assert desk.home.quarantine.rows() == before
    desk.take(accounts=accounts("c"))
    assert desk.home.quarantine.rows() == before
