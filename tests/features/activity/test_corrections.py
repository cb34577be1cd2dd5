"""Corrections: a later row of a known key supersedes, cancels or repeats, whatever the order in which rows come."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from features.activity.identifiers import LISTED, spelt_as_listed
from features.activity.importing import TableReport
from features.activity.lake import Lake
from features.activity.schema import TABLES, Table
from features.activity.snapshot import Activity
from features.home import Home
from features.pipeline import Features
from features.restrictions import restrictions_as_of
from tests.features.activity.exports import IMPORTED_AT, Desk, accounts, orders, transfers

MAY = pd.Timestamp("2025-05-01", tz="UTC")
HOUR = timedelta(hours=1)
LATER = IMPORTED_AT + HOUR


def clock(hours: float) -> pd.Timestamp:
    """So many hours after the first row happened."""
    return MAY + pd.Timedelta(hours=hours)


def transfer(amount: float, ingested_at: Any = None, **columns: Any) -> pd.DataFrame:
    """One version of transfer `t0`."""
    rows = transfers(1, amount=[amount], ingested_at=pd.Series([ingested_at], dtype="datetime64[us, UTC]"))
    return rows.assign(**columns)


def kinds(report: TableReport) -> tuple[int, int, int, int]:
    """Accepted, superseding, duplicates, quarantined; together they are the rows read."""
    assert report.read == report.accepted + report.superseding + report.duplicates + report.quarantined
    return report.accepted, report.superseding, report.duplicates, report.quarantined


def held(home: Home, table: str, moment: datetime | None = None) -> list[dict[str, Any]]:
    """What a table of the lake says as of a moment."""
    activity = Activity.from_lake(home.lake)
    relation = activity.relation(table)
    assert relation is not None
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        given = connection.sql(f"FROM {relation}").columns
        us = None if moment is None else int(pd.Timestamp(moment).timestamp() * 1_000_000)
        state = activity.state(table, relation, given, us)
        rows: list[dict[str, Any]] = connection.sql(state).order("ALL").to_arrow_table().to_pylist()
    return rows


def amounts(home: Home, moment: datetime | None = None) -> list[float]:
    """The amounts of the transfers that hold as of a moment."""
    return [row["amount"] for row in held(home, "transfers", moment)]


# Versions of one row, in one import or one import each: what becomes of them, and which amount holds in the end.
VERSIONS: list[tuple[str, list[pd.DataFrame], tuple[int, int, int, int], list[float]]] = [
    ("equal content", [transfer(1), transfer(1)], (1, 0, 1, 0), [1.0]),
    ("equal content, later", [transfer(1, clock(1)), transfer(1, clock(2))], (1, 0, 1, 0), [1.0]),
    ("other content, later", [transfer(1, clock(1)), transfer(2, clock(2))], (1, 1, 0, 0), [2.0]),
    ("back again", [transfer(a, clock(h)) for a, h in ((1, 1), (2, 2), (1, 3))], (1, 2, 0, 0), [1.0]),
    ("cancelled", [transfer(1, clock(1)), transfer(1, clock(2), cancelled=True)], (1, 1, 0, 0), []),
    (
        "cancelled twice",
        [transfer(1, clock(1)), transfer(1, clock(2), cancelled=True), transfer(9, clock(3), cancelled=True)],
        (1, 1, 1, 0),
        [],
    ),
    (
        "cancelled and re-instated",
        [transfer(1, clock(1)), transfer(1, clock(2), cancelled=True), transfer(1, clock(3), cancelled=False)],
        (1, 2, 0, 0),
        [1.0],
    ),
    (
        "not cancelled says nothing new",
        [transfer(1, clock(1)), transfer(1, clock(2), cancelled=False)],
        (1, 0, 1, 0),
        [1.0],
    ),
    ("cancelled before it came", [transfer(1, clock(1), cancelled=True)], (1, 0, 0, 0), []),
]


@pytest.mark.parametrize(("versions", "expected", "amount"), [v[1:] for v in VERSIONS], ids=[v[0] for v in VERSIONS])
@pytest.mark.parametrize("reverse", [False, True], ids=["as they came", "the other way round"])
def test_versions_in_one_import_are_taken_in_the_order_of_their_clocks(
    desk: Desk, versions: list[pd.DataFrame], expected: tuple[int, ...], amount: list[float], reverse: bool
) -> None:
    rows = pd.concat(versions[::-1] if reverse else versions)
    assert kinds(desk.take(accounts=accounts("a"), transfers=rows).tables["transfers"]) == expected
    assert amounts(desk.home) == amount


@pytest.mark.parametrize(("versions", "expected", "amount"), [v[1:] for v in VERSIONS], ids=[v[0] for v in VERSIONS])
def test_versions_in_one_import_each_come_to_the_same(
    desk: Desk, versions: list[pd.DataFrame], expected: tuple[int, ...], amount: list[float]
) -> None:
    desk.take(accounts=accounts("a"))
    reports = [desk.take(transfers=version).tables["transfers"] for version in versions]
    assert tuple(map(sum, zip(*map(kinds, reports), strict=True))) == expected
    assert amounts(desk.home) == amount
    again = desk.take(transfers=versions[-1]).tables["transfers"]
    assert kinds(again) == (0, 0, 1, 0)
    assert amounts(desk.home) == amount


def test_a_version_that_was_superseded_and_is_read_again_is_a_duplicate(desk: Desk) -> None:
    old, new = transfer(1, clock(1)), transfer(2, clock(2))
    desk.take(accounts=accounts("a"), transfers=pd.concat([old, new]))
    assert kinds(desk.take(transfers=old).tables["transfers"]) == (0, 0, 1, 0)
    assert amounts(desk.home) == [2.0]


def test_other_content_without_a_later_clock_is_set_aside(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), transfers=transfer(1, clock(2)))
    for as_history in (False, True):
        done = desk.take_at(LATER, as_history=as_history, transfers=transfer(2 + as_history, clock(1)))
        assert done.tables["transfers"].reasons == {"known key with other content and no later ingested_at": 1}
    assert amounts(desk.home) == [1.0]


def test_what_was_known_before_a_correction_stays_as_it_was(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), transfers=pd.concat([transfer(1, clock(1)), transfer(2, clock(5))]))
    assert amounts(desk.home, clock(5) - timedelta(microseconds=1)) == [1.0]
    (row,) = held(desk.home, "transfers", clock(5))
    assert (row["amount"], row["known_from"]) == (2.0, int(clock(1).timestamp() * 1_000_000))
    assert Activity.from_lake(desk.home.lake).revision_moments() == [int(clock(5).timestamp() * 1_000_000)]


CANDIDATES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("accounts", "market_maker", {"market_maker": False}, {"market_maker": True}),
    ("legal_orders", "expires_at", {"expires_at": None}, {"expires_at": clock(50)}),
    ("legal_orders", "lifted_at", {"lifted_at": None}, {"lifted_at": clock(50)}),
    ("watchlist", "effective_to", {"effective_to": None}, {"effective_to": clock(50)}),
    ("position_limits", "valid_to", {"valid_to": None}, {"valid_to": clock(50)}),
    ("instruments", "valid_to", {"valid_to": None}, {"valid_to": clock(50)}),
    ("legal_orders", "greater text", {"authority": "court"}, {"authority": "agency"}),
]


def least_row(table: Table) -> dict[str, Any]:
    """The smallest row that keeps the contract of a table."""
    values = {"time": MAY, "int": 1, "bool": False, "account": "a", "id": "x", "text": "DE"}
    row = {c.name: c.values[0] if c.values else values.get(c.kind, 0.5) for c in table.columns if c.required}
    return row | ({"account_id": "a"} if table.name == "accounts" else {})


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a frame whose moments are moments also where none is given."""
    made = pd.DataFrame(rows)
    for name in made.columns.intersection(["expires_at", "lifted_at", "effective_to", "valid_to", "ingested_at"]):
        made[name] = pd.to_datetime(made[name], utc=True)
    return made


@pytest.mark.parametrize(("name", "what", "strict", "lax"), CANDIDATES, ids=[f"{n} {w}" for n, w, *_ in CANDIDATES])
@pytest.mark.parametrize("reverse", [False, True], ids=["strict first", "lax first"])
def test_of_two_rows_known_at_one_moment_the_more_restrictive_is_accepted(
    desk: Desk, name: str, what: str, strict: dict[str, Any], lax: dict[str, Any], reverse: bool
) -> None:
    rows = [least_row(TABLES[name]) | strict, least_row(TABLES[name]) | lax]
    frames = {"accounts": accounts("a"), name: frame(rows[::-1] if reverse else rows)}
    report = desk.take(**frames).tables[name]
    assert kinds(report) == (1, 0, 0, 1), what
    assert [reason.startswith("tie") for reason in report.reasons] == [True]
    (row,) = held(desk.home, name)
    assert {key: row[key] for key in strict} == strict


@pytest.mark.parametrize(("name", "what", "strict", "lax"), CANDIDATES, ids=[f"{n} {w}" for n, w, *_ in CANDIDATES])
@pytest.mark.parametrize("reverse", [False, True], ids=["strict first", "lax first"])
def test_a_tie_across_imports_ends_with_the_more_restrictive_row(
    desk: Desk, name: str, what: str, strict: dict[str, Any], lax: dict[str, Any], reverse: bool
) -> None:
    rows = [least_row(TABLES[name]) | {"ingested_at": clock(9)} | more for more in (strict, lax)]
    for row in rows[::-1] if reverse else rows:
        desk.take(**{"accounts": accounts("a")} | {name: frame([row])})
    newest = (
        held(desk.home, name)[-1] if name != "accounts" else max(held(desk.home, name), key=lambda r: r["_revision"])
    )
    assert {key: newest[key] for key in strict} == strict, what


@pytest.mark.parametrize("reverse", [False, True])
def test_of_two_owners_known_at_one_moment_both_are_looked_up_on_lists(desk: Desk, reverse: bool) -> None:
    versions = [accounts("a", owner_id=owner) for owner in ("boss", "other")]
    entry = least_row(TABLES["watchlist"]) | {"list": "sanctions", "kind": "owner"}
    lists = frame([entry | {"value": "boss"}, entry | {"value": "other"}])
    desk.take(accounts=pd.concat(versions[::-1] if reverse else versions), watchlist=lists)
    listed = restrictions_as_of(Features(desk.home.lake), IMPORTED_AT).listed
    assert sorted(listed["value"]) == ["boss", "other"]


def test_the_order_of_rows_and_files_changes_nothing(tmp_path: Path) -> None:
    rows = [transfer(a, clock(h), cancelled=c) for a in (1, 2) for h in (1, 2) for c in (False, True)]
    seen: list[tuple[Any, ...]] = []
    for order in (rows, rows[::-1], rows[3:] + rows[:3]):
        desk = Desk(tmp_path / str(len(seen)))
        folder = desk.folder({"accounts": accounts("a")})
        (folder / "transfers").mkdir()
        for number, row in enumerate(order):
            row.to_parquet(folder / "transfers" / f"{number}.parquet", index=False)
        report = desk.importing().folder(folder).tables["transfers"]
        seen.append((kinds(report), report.reasons, amounts(desk.home, clock(1)), amounts(desk.home, clock(2))))
    assert seen[0] == seen[1] == seen[2]
    assert (seen[0][2], seen[0][3]) == ([2.0], [2.0])


def ingested(home: Home, table: str) -> list[Any]:
    """The `ingested_at` of the rows of a table, as the lake keeps them."""
    return [row["ingested_at"] for row in held(home, table)]


def test_a_row_that_does_not_say_when_it_was_learned_of_counts_from_its_import_but_in_the_first(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), transfers=transfers(1))
    assert ingested(desk.home, "transfers") == [None]
    desk.take_at(LATER, transfers=transfers(1, transfer_id=["later"]), staking=frame([least_row(TABLES["staking"])]))
    assert sorted(filter(None, ingested(desk.home, "transfers"))) == [LATER]
    assert ingested(desk.home, "staking") == [LATER]
    desk.take_at(LATER, as_history=True, transfers=transfers(1, transfer_id=["history"]))
    assert len([moment for moment in ingested(desk.home, "transfers") if moment is None]) == 2


def test_a_row_that_claims_to_be_older_than_what_is_held_counts_from_its_import_and_is_counted(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), transfers=transfer(1, clock(5)))
    late = pd.concat([transfer(1, clock(h), transfer_id=f"t{h}") for h in (4, 5, 6)])
    report = desk.take_at(LATER, transfers=late).tables["transfers"]
    assert (report.accepted, report.redated) == (3, 1)
    assert sorted(ingested(desk.home, "transfers")) == [clock(5), clock(5), clock(6), LATER]
    history = transfer(1, clock(3), transfer_id="history")
    report = desk.take_at(LATER + HOUR, as_history=True, transfers=history).tables["transfers"]
    assert (report.accepted, report.redated) == (1, 0)
    assert clock(3) in ingested(desk.home, "transfers")


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("amounts", [(1.0, 2.0), (2.0, 1.0)])
def test_of_late_rows_the_one_that_was_learned_of_last_holds_however_they_are_sent(
    desk: Desk, together: bool, amounts: tuple[float, float]
) -> None:
    desk.take(accounts=accounts("a"), transfers=transfer(9, clock(200), transfer_id="newer"))
    versions = [transfer(amount, clock(hours)) for hours, amount in zip((3, 4), amounts, strict=True)]
    if together:
        desk.take_at(LATER, transfers=pd.concat(versions))
    else:
        for number, version in enumerate(versions):
            desk.take_at(LATER + number * HOUR, transfers=version)
    desk.take_at(LATER + 3 * HOUR, transfers=versions[0])
    amounts_held = [row["amount"] for row in held(desk.home, "transfers") if row["transfer_id"] == "t0"]
    assert amounts_held == [amounts[1]]
    assert desk.set_aside() == []


def test_a_row_without_a_clock_cannot_have_happened_after_its_import(desk: Desk) -> None:
    desk.take(accounts=accounts("a"))
    rows = transfers(2, ts=[pd.Timestamp(LATER) + pd.Timedelta(s, "ms") for s in (1_000, 1_001)])
    report = desk.take_at(LATER, transfers=rows).tables["transfers"]
    assert (report.accepted, report.reasons) == (1, {"ts: after the moment of the import": 1})
    limit = least_row(TABLES["position_limits"]) | {"valid_from": LATER + 9 * HOUR}
    assert desk.take_at(LATER, position_limits=frame([limit])).tables["position_limits"].accepted == 1


def test_a_file_imported_today_does_not_rewrite_the_past(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), transfers=transfers(2))
    spine = pd.DataFrame({"account_id": ["a"], "as_of": [pd.Timestamp(IMPORTED_AT)]})
    before = Features(desk.home.lake).vectors(spine)
    desk.take_at(LATER, transfers=transfers(3, transfer_id=["x", "y", "z"], amount_usd=1e6))
    pd.testing.assert_frame_equal(Features(desk.home.lake).vectors(spine), before)


def test_null_in_a_key_column_is_a_value(desk: Desk) -> None:
    limit = least_row(TABLES["position_limits"])
    rows = [limit | {"owner_id": owner, "max_notional_usd": 5.0} for owner in (None, "boss")]
    done = desk.take(position_limits=frame([limit | {"owner_id": None}, *rows])).tables["position_limits"]
    assert (done.accepted, done.quarantined) == (2, 1)


SPELLINGS = ("0xABCDEF01", "0xabcdef01", " 0xabcdef01 ", "BC1QXYZ0PP", "bc1qxyz0pp", "ir", "IR", "AB" * 32, "ab" * 32)


@pytest.mark.parametrize("kind", LISTED)
def test_a_listed_value_is_one_value_where_detection_takes_it_for_one(desk: Desk, kind: str) -> None:
    spellings = [value for value in SPELLINGS if kind != "country" or len(value) == 2]
    entries = [least_row(TABLES["watchlist"]) | {"kind": kind, "value": value} for value in spellings]
    values = {spelt_as_listed(kind, value) for value in spellings}
    report = desk.take(watchlist=frame(entries)).tables["watchlist"]
    assert (report.accepted, report.superseding, report.quarantined) == (len(values), 0, len(spellings) - len(values))


@pytest.mark.parametrize(
    ("table", "column", "spellings"),
    [
        ("balances", "asset", ("USDT", "usdt", " Usdt ")),
        ("quotes", "symbol", ("BTCUSDT", "btcusdt")),
        ("marks", "symbol", ("BTCUSDT", "btcusdt")),
        ("listings", "symbol", ("BTCUSDT", "btcusdt")),
        ("instruments", "symbol", ("BTCUSDT", "btcusdt")),
        ("position_limits", "symbol", ("BTCUSDT", "btcusdt")),
        ("project_parties", "address", ("0xABCDEF01", "0xabcdef01")),
    ],
)
def test_a_key_is_one_key_however_it_is_spelt(desk: Desk, table: str, column: str, spellings: tuple[str, ...]) -> None:
    desk.take(accounts=accounts("a"))
    rows = [least_row(TABLES[table]) | {column: spelling} for spelling in spellings]
    report = desk.take(**{table: frame(rows)}).tables[table]
    assert (report.accepted, report.superseding, report.quarantined) == (1, 0, len(spellings) - 1)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_takes_corrections_and_cancellations(desk: Desk, name: str) -> None:
    if name != "accounts":
        desk.take(accounts=accounts("a"))
    row = least_row(TABLES[name])
    changed = next(c for c in TABLES[name].columns if c.name not in (*TABLES[name].key, TABLES[name].time))
    other = {"bool": True, "text": "FR", "id": "y"}.get(changed.kind, 0.75) if not changed.values else changed.values[1]
    if changed.kind in ("account", "time"):
        other = "a" if changed.kind == "account" else clock(3)
    columns: dict[str, list[Any]] = {
        "cancelled": [None, None, True],
        changed.name: [row.get(changed.name), other, other],
    }
    versions = [row | {"ingested_at": clock(h)} | {k: v[h] for k, v in columns.items()} for h in range(3)]
    made = frame(versions).assign(cancelled=pd.array([None, None, True], dtype="boolean"))
    report = desk.take(**{name: made}).tables[name]
    assert kinds(report) in ((1, 2, 0, 0), (1, 1, 1, 0))  # an account column cannot change: there is one account
    assert held(desk.home, name) == []
    assert len(held(desk.home, name, clock(1))) == (2 if name == "accounts" else 1)


def written_as_before(lake: Lake, **frames: pd.DataFrame) -> None:
    """A lake as the versions without corrections wrote it."""
    for name, rows in frames.items():
        table = Activity.from_frames({name: rows}).tables[name]
        assert isinstance(table, pa.Table)
        write_deltalake(str(lake.root / name), table.drop_columns(["cancelled"]), mode="append")
    pinned: dict[str, Any] = {"lake_version": 1, "imported_at": IMPORTED_AT}
    pinned |= {"versions": json.dumps(dict.fromkeys(frames, 0))}
    pinned |= {"counts": json.dumps({name: len(rows) for name, rows in frames.items()})}
    write_deltalake(str(lake.root / "manifest"), pa.Table.from_pylist([pinned]), mode="append")


def test_a_lake_of_before_corrections_opens_gives_vectors_and_takes_more(desk: Desk) -> None:
    written_as_before(desk.home.lake, accounts=accounts("a"), transfers=transfers(3))
    spine = pd.DataFrame({"account_id": ["a"], "as_of": [pd.Timestamp(IMPORTED_AT)]})
    before = Features(desk.home.lake).vectors(spine)
    assert Activity.from_lake(desk.home.lake).revision_moments() == []
    rows = pd.concat([transfers(3).iloc[1:], transfer(7, LATER - HOUR / 2), transfers(1, transfer_id=["new"])])
    report = desk.take_at(LATER, transfers=rows).tables["transfers"]
    assert kinds(report) == (1, 1, 2, 0)
    assert sorted(amounts(desk.home)) == [7.0, 100.0, 101.0, 102.0]
    assert sorted(amounts(desk.home, IMPORTED_AT)) == [100.0, 100.0, 101.0, 102.0]
    assert before["account_id"].tolist() == ["a"]


def test_the_source_is_kept_with_the_import(desk: Desk) -> None:
    desk.importing(source="kraken").folder(desk.folder({"accounts": accounts("a")}))
    with duckdb.connect() as connection:
        manifest = connection.read_parquet(f"{desk.home.lake.root}/manifest/*.parquet")
        assert manifest.project("source").fetchall() == [("kraken",)]


def test_an_import_that_accepts_nothing_says_why(desk: Desk) -> None:
    done = desk.take(order_events=orders(2), transfers=transfers(1, amount=[-1.0]))
    assert done.nothing_accepted is not None
    for words in (
        "3 rows",
        "order_events.parquet, transfers.parquet",
        "2 of order_events: account_id: unknown account",
    ):
        assert words in done.nothing_accepted
    assert desk.take(accounts=accounts("a")).nothing_accepted is None
    assert desk.take(accounts=accounts("a")).nothing_accepted is None
    assert "hold no rows" in str(desk.take(staking=frame([least_row(TABLES["staking"])]).iloc[:0]).nothing_accepted)
