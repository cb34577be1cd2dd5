"""Checks: every number and every moment of every table has a bound, and what breaks it is set aside with its reason."""

from datetime import timedelta
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.activity.bounds import BOUNDS
from features.activity.checking import NO_EPOCH, NO_MOMENT
from features.activity.identifiers import COUNTRY_RULE
from tests.features.activity.exports import IMPORTED_AT, Desk, accounts, transfers
from tests.features.activity.good_rows import EVERY_TABLE, good_row

NUMBERS = [
    (t.name, c.name) for t in EVERY_TABLE.values() for c in t.columns if c.arrow_type in (pa.int64(), pa.float64())
]
MOMENTS = [(t.name, c.name) for t in EVERY_TABLE.values() for c in t.columns if c.kind == "time"]
OUTSIDE: dict[str | None, list[Any]] = {
    "usd": [1e12, -1e12, 1e308],
    "price": [1.1e12, 9e-13],
    "quantity": [1e24, -1e24],
    "count": [-1, 10**9, 2**62],
    "share": [-0.1, 1.1],
    "leverage": [1.1e4],
    "rate": [1.1e3, -1.1e3],
    "latitude": [90.1, -90.1],
    "longitude": [180.1, -180.1],
}
INSIDE: dict[str | None, list[Any]] = {
    "usd": [999_999_999_999.0],
    "price": [1e12, 1e-12],
    "quantity": [9.9e23],
    "count": [0, 999_999_999],
    "share": [0, 1],
    "leverage": [1e4],
    "rate": [1e3, -1e3],
    "latitude": [90, -90],
    "longitude": [180, -180],
}


def reason_of(desk: Desk, table: str, column: str, values: list[Any], arrow_type: pa.DataType) -> list[str | None]:
    """What an import says of rows that have these values in a column, None of those it takes."""
    folder = desk.folder({"accounts": accounts("a")} if table != "accounts" else {})
    rows = [good_row(table, **{column: None}) for _ in values]
    names = list(rows[0])
    schema = EVERY_TABLE[table].arrow_schema
    arrays = [
        pa.array(values, arrow_type)
        if name == column
        else pa.array([row[name] for row in rows], schema.field(name).type)
        for name in names
    ]
    numbered = pa.table(arrays, names)
    (folder / table).mkdir()
    for number in range(len(values)):
        pq.write_table(numbered.slice(number, 1), folder / table / f"{number}.parquet")
    desk.importing().folder(folder)
    found = {row["origin"]: row["reason"] for row in desk.home.quarantine.rows().to_pylist() if row["table"] == table}
    return [found.get(f"{number}.parquet") for number in range(len(values))]


def is_about(reason: str | None, column: str) -> bool:
    """Whether the reason is of that column, or of a rule over several."""
    return reason is not None and (reason.startswith((f"{column}:", f"{column} ")) or "price times" in reason)


@pytest.mark.parametrize(("table", "column"), NUMBERS)
def test_a_number_outside_its_bound_is_set_aside_and_one_at_the_bound_is_not(
    desk: Desk, table: str, column: str
) -> None:
    declared = EVERY_TABLE[table].column(column)
    assert declared.bound in BOUNDS, "every number has a bound"
    inside: list[Any] = [
        value
        for value in INSIDE[declared.bound]
        if not (declared.kind == "positive" and value <= 0)
        and not (table == "verifications" and value > 3)
        and not (column in ("price", "quantity") and value > 1)
        and not (column == "quantity" and value == 0)
    ]
    outside = [*OUTSIDE[declared.bound], 0] if declared.kind == "positive" else OUTSIDE[declared.bound]
    reasons = reason_of(desk, table, column, [*outside, *inside], declared.arrow_type)
    assert all(is_about(reason, column) for reason in reasons[: len(outside)]), reasons
    assert all(reason is None or reason.startswith("tie:") for reason in reasons[len(outside) :]), reasons


@pytest.mark.parametrize(("table", "column"), MOMENTS)
def test_a_moment_outside_its_bound_is_set_aside_with_its_reason(desk: Desk, table: str, column: str) -> None:
    declared = EVERY_TABLE[table].column(column)
    outside = ["1899-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-23:59"]
    inside = ["2025-05-01T12:00:00Z"]
    if declared.is_event_clock:
        outside += ["2008-12-31T23:59:59Z", (IMPORTED_AT + timedelta(seconds=2)).isoformat(), "9998-01-01T00:00:00Z"]
    else:
        inside += ["1900-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]
    reasons = reason_of(desk, table, column, [*outside, *inside], pa.string())
    assert all(is_about(reason, column) for reason in reasons[: len(outside)]), reasons
    assert all(reason is None or reason.startswith("tie:") for reason in reasons[len(outside) :]), reasons


TEXTS = {
    "2025-05-01T10:00:00Z": True,
    "2025-05-01 10:00:00.123456789+02:00": True,
    "2025-05-01T10:00:00+0530": True,
    "2025-05-01T10:00Z": True,
    "2025-05-01T10:00:00": False,
    "2025-05-01": False,
    "2025-05-01 10:00:00 CST": False,
    "01/05/25 10:00": False,
    "20250501T100000Z": False,
    "2025-W18-4T10:00:00Z": False,
    "2025-02-30T10:00:00Z": False,
    "now": False,
    "today": False,
    "infinity": False,
    "epoch": False,
    "1746093600": False,
}


def test_text_is_a_moment_only_as_iso_8601_with_an_offset_or_z(desk: Desk) -> None:
    reasons = reason_of(desk, "transfers", "ts", list(TEXTS), pa.string())
    assert [reason is None or "known key" in reason for reason in reasons] == list(TEXTS.values())
    assert {reason for reason in reasons if reason and "known key" not in reason} == {f"ts: {NO_MOMENT}"}


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_typed_moments_without_a_zone_are_utc_in_every_unit(desk: Desk, unit: Literal["s", "ms", "us", "ns"]) -> None:
    at = pd.Timestamp("2025-05-01T10:00:00").as_unit(unit)
    assert reason_of(desk, "transfers", "ts", [at], pa.timestamp(unit)) == [None]
    held = pd.concat(pd.read_parquet(path) for path in desk.home.lake.snapshot().files["transfers"])
    assert held["ts"].tolist() == [pd.Timestamp("2025-05-01T10:00:00Z")]


def test_a_number_in_a_column_of_moments_is_set_aside_with_the_words_a_mapping_has(desk: Desk) -> None:
    assert reason_of(desk, "transfers", "ts", [1746093600], pa.int64()) == [f"ts: {NO_EPOCH}"]


def test_improbable_years_are_taken_and_told(desk: Desk) -> None:
    rows = transfers(address_first_seen_at=pd.to_datetime(["1970-01-01", "2200-01-01", "2025-01-01"], utc=True))
    done = desk.take(accounts=accounts("a"), transfers=rows)
    assert done.tables["transfers"].accepted == 3
    assert [notice for notice in done.notices if "address_first_seen_at: 2 moments" in notice]


def test_a_value_that_very_many_accounts_hold_is_told(desk: Desk) -> None:
    names = [f"a{number}" for number in range(60)]
    sessions = pd.DataFrame([good_row("sessions", session_id=f"s{n}", account_id=n, device_id="web") for n in names])
    done = desk.take(accounts=accounts(*names), sessions=sessions.assign(ip=[f"203.0.113.{n}" for n in range(60)]))
    assert [notice for notice in done.notices if "sessions.device_id: 'web' is held by 60 of 60" in notice]
    assert not [notice for notice in done.notices if "sessions.ip" in notice]


@pytest.mark.parametrize(
    ("table", "column"),
    [(t.name, c.name) for t in EVERY_TABLE.values() for c in t.columns if not c.required],
)
def test_a_blank_text_where_null_is_allowed_is_null(desk: Desk, table: str, column: str) -> None:
    assert reason_of(desk, table, column, ["", " \t\u00a0"], pa.string())[0] is None


@pytest.mark.parametrize(
    ("table", "column"), [(t.name, c.name) for t in EVERY_TABLE.values() for c in t.columns if c.is_id]
)
def test_what_breaks_the_rule_for_ids_is_set_aside(desk: Desk, table: str, column: str) -> None:
    bad = [" a", "a ", "a\nb", "x" * 257]
    reasons = reason_of(desk, table, column, bad, pa.string())
    assert all(is_about(reason, column) for reason in reasons), reasons


COUNTRIES = [(t.name, c.name) for t in EVERY_TABLE.values() for c in t.columns if c.form == "country"]


def test_the_columns_of_countries_are_known() -> None:
    assert COUNTRIES == [("accounts", "country"), ("sessions", "ip_country")]
    assert [(t.name, c.name) for t in EVERY_TABLE.values() for c in t.columns if c.form == "listed"] == [
        ("watchlist", "value")
    ]


@pytest.mark.parametrize("value", ["Iran", "IRN", "I", "I1", "364", "İR", "IR-07", "unknown"])
@pytest.mark.parametrize(("table", "column"), [*COUNTRIES, ("watchlist", "value")])
def test_a_country_that_no_list_could_name_is_set_aside_with_what_to_write(
    desk: Desk, table: str, column: str, value: str
) -> None:
    kind = {"kind": "country"} if table == "watchlist" else {}
    rows = pd.DataFrame([good_row(table, **{column: value}, **kind)])
    done = desk.take(**{"accounts": accounts("a"), table: rows})
    assert done.tables[table].reasons == {f"{column}: {COUNTRY_RULE}": 1}
    assert "two letters" in COUNTRY_RULE


@pytest.mark.parametrize("value", ["IR", "ir", "Ir", "ZZ"])
@pytest.mark.parametrize(("table", "column"), [*COUNTRIES, ("watchlist", "value")])
def test_a_country_of_two_letters_in_any_case_is_taken_and_kept_as_written(
    desk: Desk, table: str, column: str, value: str
) -> None:
    kind = {"kind": "country"} if table == "watchlist" else {}
    rows = pd.DataFrame([good_row(table, **{column: value}, **kind)])
    done = desk.take(**{"accounts": accounts("a"), table: rows})
    assert (done.tables[table].accepted, desk.stored(table, column)) == (1, [[value]])


def test_entries_of_other_kinds_need_no_country_code(desk: Desk) -> None:
    rows = pd.DataFrame([good_row("watchlist", kind="owner", value="Iran")])
    assert desk.take(watchlist=rows).tables["watchlist"].accepted == 1
