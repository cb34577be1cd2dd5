"""Rows without `ingested_at` in a lake that holds rows: what they undo and what they are too late for is told."""

from datetime import timedelta

import pandas as pd
import pytest

from features.activity.schema import TABLES
from features.activity.undated import USUAL_DELAY_DAYS
from tests.features.activity.exports import IMPORTED_AT, Desk, accounts, transfers
from tests.features.activity.good_rows import good_row

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CLOCK = pd.Timestamp(IMPORTED_AT + HOUR)
EVENTS = [table.name for table in TABLES.values() if table.time in ("ts", "created_at")]


def replaced(notices: tuple[str, ...]) -> list[str]:
    """The notices of corrections that were replaced."""
    return [notice for notice in notices if "replace corrections" in notice]


def late(notices: tuple[str, ...]) -> list[str]:
    """The notices of rows that are known too late."""
    return [notice for notice in notices if "count from this import on" in notice]


@pytest.fixture
def corrected(desk: Desk) -> Desk:
    """Three transfers, one of them corrected and one cancelled an hour later."""
    desk.take(accounts=accounts("a"), transfers=transfers())
    changed = transfers().iloc[:2].assign(amount=[7.0, 101.0], cancelled=[False, True], ingested_at=CLOCK)
    done = desk.take_at(IMPORTED_AT + 2 * HOUR, transfers=changed)
    assert done.tables["transfers"].superseding == 2
    assert done.notices == ()
    return desk


def test_an_old_export_that_undoes_corrections_says_how_many_and_since_when(corrected: Desk) -> None:
    done = corrected.take_at(IMPORTED_AT + DAY, transfers=transfers())
    assert done.tables["transfers"].superseding == 2
    (notice,) = replaced(done.notices)
    assert "2 rows of transfers without ingested_at replace corrections, 1 of them cancellations" in notice
    assert "known since 2025-06-07T13:00:00.000000Z" in notice
    assert "--as-history" in notice


def test_what_the_notice_advises_brings_the_corrections_back(corrected: Desk) -> None:
    corrected.take_at(IMPORTED_AT + DAY, transfers=transfers())
    again = transfers().iloc[:2].assign(amount=[7.0, 101.0], cancelled=[False, True])
    done = corrected.take_at(IMPORTED_AT + 2 * DAY, transfers=again)
    assert done.tables["transfers"].superseding == 2
    old = corrected.take_at(IMPORTED_AT + 3 * DAY, as_history=True, transfers=transfers())
    assert (old.tables["transfers"].duplicates, old.notices) == (3, ())


def test_an_export_with_its_clocks_undoes_nothing_and_is_not_told(corrected: Desk) -> None:
    rows = transfers()
    done = corrected.take_at(IMPORTED_AT + DAY, transfers=rows.assign(ingested_at=rows["ts"]))
    assert (done.tables["transfers"].duplicates, replaced(done.notices)) == (3, [])


def test_a_first_correction_without_a_clock_replaces_none(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), transfers=transfers())
    done = desk.take_at(IMPORTED_AT + HOUR, transfers=transfers().assign(amount=5.0))
    assert (done.tables["transfers"].superseding, replaced(done.notices)) == (3, [])


def test_versions_of_an_account_are_told_only_where_one_comes_back(desk: Desk) -> None:
    for hours, country, told in ((0, "DE", 0), (1, "FR", 0), (2, "GB", 0), (3, "DE", 1)):
        done = desk.take_at(IMPORTED_AT + hours * HOUR, accounts=accounts("a", country=country))
        assert len(replaced(done.notices)) == told, country


@pytest.mark.parametrize("table", EVENTS)
def test_history_without_a_clock_in_a_second_import_is_told(desk: Desk, table: str) -> None:
    desk.take(accounts=accounts("a"))
    declared = TABLES[table]
    key = next((name for name in declared.key if name not in ("account_id", declared.time)), "account_id")
    is_free = declared.column(key).kind == "id"
    rows = pd.DataFrame([good_row(table, **({key: "new"} if is_free else {}))])
    done = desk.importing(IMPORTED_AT + DAY).folder(desk.folder({table: rows}))
    assert done.tables[table].accepted == 1
    (notice,) = late(done.notices)
    assert f"1 rows of {table} without ingested_at" in notice
    assert "2025-05-01T12:00:00.000000Z" in notice
    assert "--as-history" in notice


def test_rows_of_the_day_before_rows_with_a_clock_and_history_are_not_told(desk: Desk) -> None:
    desk.take(accounts=accounts("a"))
    fresh = pd.date_range(IMPORTED_AT - USUAL_DELAY_DAYS * DAY, periods=3, freq="h")
    assert late(desk.take(transfers=transfers(ts=fresh)).notices) == []
    dated = transfers(transfer_id=["x", "y", "z"])
    assert late(desk.take(transfers=dated.assign(ingested_at=IMPORTED_AT)).notices) == []
    old = transfers(transfer_id=["u", "v", "w"])
    assert late(desk.take_at(IMPORTED_AT + DAY, as_history=True, transfers=old).notices) == []
