"""Import: every row read is accepted, a duplicate or set aside with its reason; an unreadable file stops it all."""

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.activity.checking import NO_MOMENT
from features.activity.importing import Import, TableReport
from features.activity.lake import Snapshot
from features.activity.snapshot import Activity
from features.home import Home
from features.kernel.errors import Invalid, NotFound
from features.kernel.progress import silent
from features.labels import read_labels
from features.pipeline import Features
from tests.features.activity.exports import IMPORTED_AT, Desk, accounts, orders, transfers

NAN = float("nan")
MOMENTS = ("2025-05-02T00:00:00Z", "2025-05-03 02:00:00.5+02:00")
SPOILT: list[tuple[str, str, list[Any], str]] = [
    ("price", "a text for a number", ["dear", "1.5", "2"], "price: wrong type"),
    ("price", "nothing", [None, 1.5, 2.0], "price: missing although required"),
    ("price", "zero", [0.0, 1.5, 2.0], "price: not positive"),
    ("price", "less than zero", [-1.0, 1.5, 2.0], "price: not positive"),
    ("price", "infinity", [float("inf"), 1.5, 2.0], "price: not a finite number"),
    ("quantity", "less than zero", [-1.0, 1.5, 2.0], "quantity: negative"),
    ("quantity", "zero", [0.0, 1.5, 2.0], "quantity is 0 although the order is open"),
    ("event", "an unknown word", ["placed", "new", "new"], "event: unknown value"),
    ("event", "an empty text", ["", "new", "new"], "event: missing although required"),
    ("ts", "no moment", ["yesterday", *MOMENTS], f"ts: {NO_MOMENT}"),
    ("ts", "the end of time", ["infinity", *MOMENTS], f"ts: {NO_MOMENT}"),
    ("depth_share", "more than all", [1.1, 1.0, None], "depth_share: not between 0 and 1"),
    ("had_ui_event", "half a truth", [0.5, 1.0, None], "had_ui_event: wrong type"),
    ("order_type", "an unknown word", ["stop", "limit", None], "order_type: unknown value"),
    ("order_id", "a fraction", [1.5, 2.5, 3.5], "order_id: wrong type"),
    ("account_id", "nobody known", ["nobody", "a", "a"], "account_id: unknown account"),
]


def counts(report: TableReport) -> tuple[int, int, int, int]:
    """Read, accepted, duplicates, quarantined."""
    return report.read, report.accepted, report.duplicates, report.quarantined


@pytest.mark.parametrize(("column", "found", "values", "reason"), SPOILT, ids=[f"{c}: {f}" for c, f, _, _ in SPOILT])
def test_a_row_that_breaks_the_contract_is_set_aside_with_its_reason_and_the_others_go_in(
    desk: Desk, column: str, found: str, values: list[Any], reason: str
) -> None:
    done = desk.take(accounts=accounts("a"), order_events=orders().assign(**{column: values}))
    bad = 3 if column == "order_id" else 1
    assert counts(done.tables["order_events"]) == (3, 3 - bad, 0, bad)
    assert done.tables["order_events"].reasons == {reason: bad}
    assert desk.set_aside() == [("order_events", reason)] * bad
    assert desk.home.lake.counts().get("order_events", 0) == 3 - bad, found


def test_whole_numbers_are_not_made_of_fractions(desk: Desk) -> None:
    steps = {"account_id": "a", "ts": pd.Timestamp("2025-05-01", tz="UTC"), "status": "approved"}
    done = desk.take(accounts=accounts("a"), verifications=pd.DataFrame({**steps, "level": ["2.5", "2", "4"]}))
    reasons = {"level is not 0, 1, 2 or 3": 1, "level: wrong type": 1}
    assert done.tables["verifications"].reasons == reasons


@pytest.mark.parametrize(("early_ms", "accepted"), [(1_000, 3), (1_001, 2)])
def test_a_row_may_happen_at_most_one_second_after_it_was_ingested(desk: Desk, early_ms: int, accepted: int) -> None:
    rows = orders()
    ingested = rows["ts"].copy()
    ingested[0] -= pd.Timedelta(milliseconds=early_ms)
    done = desk.take(accounts=accounts("a"), order_events=rows.assign(ingested_at=ingested))
    assert done.tables["order_events"].accepted == accepted


def test_a_row_of_an_unknown_account_is_released_once_the_account_arrives(desk: Desk) -> None:
    first = desk.take(accounts=accounts("a"), order_events=orders(account_id=["b", "a", "b"]))
    assert counts(first.tables["order_events"]) == (3, 1, 0, 2)
    second = desk.take(accounts=accounts("b"))
    assert second.tables["order_events"] == TableReport(released=2)
    assert desk.set_aside() == []
    assert desk.home.lake.counts() == {"accounts": 2, "order_events": 3}


def test_a_row_whose_account_never_arrives_waits_and_is_kept_once(desk: Desk) -> None:
    for _ in range(2):
        desk.take(accounts=accounts("a"), order_events=orders(account_id="b"))
    assert desk.set_aside() == [("order_events", "account_id: unknown account")] * 3


def test_an_account_that_was_set_aside_is_unknown_to_the_other_tables(desk: Desk) -> None:
    done = desk.take(accounts=accounts("a", kind="robot"), order_events=orders())
    assert done.tables["order_events"].reasons == {"account_id: unknown account": 3}
    assert done.lake_version is None


def test_a_known_key_with_equal_content_is_a_duplicate_ignored_and_counted(desk: Desk) -> None:
    rows = orders()
    done = desk.take(accounts=accounts("a"), order_events=pd.concat([rows, rows.iloc[:2]]))
    assert counts(done.tables["order_events"]) == (5, 3, 2, 0)


def test_the_two_legs_of_a_transfer_share_an_id_and_are_two_rows(desk: Desk) -> None:
    legs = transfers(2, transfer_id="t", account_id=["a", "b"], direction=["internal_out", "internal_in"])
    done = desk.take(accounts=accounts("a", "b"), transfers=legs)
    assert counts(done.tables["transfers"]) == (2, 2, 0, 0)


def test_one_market_has_one_quote_at_a_moment(desk: Desk) -> None:
    quotes = pd.DataFrame(
        {
            "symbol": "BTCUSDT",
            "ts": pd.Timestamp("2025-05-01", tz="UTC"),
            "bid": [1.0, 1.0, 1.0],
            "ask": [2.0, 2.0, 2.1],
            "bid_depth_usd": 1.0,
            "ask_depth_usd": 1.0,
        }
    )
    assert counts(desk.take(quotes=quotes).tables["quotes"]) == (3, 1, 0, 2)


def test_of_several_rows_for_one_account_the_newest_visible_one_holds(desk: Desk) -> None:
    ingested = pd.to_datetime(["2024-01-01", "2025-05-02"], utc=True)
    versions = accounts("a", "a", market_maker=[False, True], ingested_at=ingested)
    done = desk.take(accounts=versions).tables["accounts"]
    assert (done.read, done.accepted, done.superseding) == (2, 1, 1)
    moments = ["2025-05-01T23:59:59Z", "2025-05-02T00:00:00Z"]
    features = Features(desk.home.lake)
    vectors = features.vectors(pd.DataFrame({"account_id": "a", "as_of": moments}))
    assert vectors["market_maker"].tolist() == [0.0, 1.0]


def test_naive_timestamps_are_utc(desk: Desk) -> None:
    naive = orders(1, ts=pd.Timestamp("2025-05-01 12:00"))
    desk.take(accounts=accounts("a"), order_events=naive)
    text = orders(1, order_id=["text"]).assign(ts="2025-05-01T14:00:00+02:00")
    desk.importing().folder(desk.folder({"order_events": text}, "csv"))
    rows = Features(desk.home.lake).engine.frame("SELECT DISTINCT ts FROM order_events")
    assert rows["ts"].tolist() == [int(datetime(2025, 5, 1, 12, tzinfo=UTC).timestamp()) * 1_000_000]


def test_csv_gives_the_same_rows_as_parquet(desk: Desk) -> None:
    frames = {
        "accounts": accounts("a"),
        "order_events": orders(),
        "transfers": transfers(fiat_name_match=[True, None, 0]),
    }
    desk.importing().folder(desk.folder({**frames, "transfers": transfers(fiat_name_match=[True, None, False])}))
    done = desk.importing().folder(desk.folder(frames, "csv"))
    assert {name: report.duplicates for name, report in done.tables.items()} == {
        "accounts": 1,
        "order_events": 3,
        "transfers": 3,
    }


def test_a_folder_of_files_is_one_table_and_extra_columns_are_ignored(desk: Desk) -> None:
    folder = desk.folder({"accounts": accounts("a").assign(shoe_size=44)})
    (folder / "order_events" / "day=1").mkdir(parents=True)
    rows = orders()
    rows.iloc[:2].to_parquet(folder / "order_events" / "part-0.parquet", index=False)
    rows.iloc[2:].assign(mood="good").to_csv(folder / "order_events" / "day=1" / "part-1.csv", index=False)
    done = desk.importing().folder(folder)
    assert counts(done.tables["order_events"]) == (3, 3, 0, 0)
    assert done.tables["accounts"].accepted == 1


def test_a_missing_table_is_empty_and_a_missing_optional_column_is_null(desk: Desk) -> None:
    desk.take(accounts=accounts("a"), order_events=orders())
    engine = Features(desk.home.lake).engine
    assert engine.frame("SELECT count(*) AS n FROM trades")["n"].tolist() == [0]
    assert engine.frame("SELECT DISTINCT leverage FROM order_events")["leverage"].isna().tolist() == [True]


def spoil(folder: Path, kind: str) -> None:
    """Makes the orders of an export unreadable in one way."""
    path = folder / "order_events.parquet"
    whole = path.read_bytes()
    if kind == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "text":
        path.write_text("order_id,account_id\n")
    elif kind == "empty":
        path.write_bytes(b"")
    else:
        middle = len(whole) // 4
        path.write_bytes(whole[:4] + b"\xff" * middle + whole[4 + middle :])


@pytest.mark.parametrize("kind", ["truncated", "text", "empty", "scratched"])
def test_an_unreadable_file_is_named_and_nothing_is_imported(desk: Desk, kind: str) -> None:
    folder = desk.folder({"accounts": accounts("a"), "order_events": orders(500), "transfers": transfers()})
    spoil(folder, kind)
    with pytest.raises(Invalid, match=r"order_events\.parquet"):
        desk.importing().folder(folder)
    assert desk.home.lake.version is None
    assert desk.set_aside() == []


CSV = "order_id,account_id,ts,event,symbol,product,side,price,quantity,effect,source\n"
GOOD = "o1,a,2025-05-01T00:00:00Z,new,BTCUSDT,spot,buy,1,1,none,web\n"


@pytest.mark.parametrize("text", [CSV.replace("side", "event") + GOOD, ""], ids=["a column twice", "nothing at all"])
def test_a_csv_file_without_a_usable_header_is_named_and_nothing_is_imported(desk: Desk, text: str) -> None:
    folder = desk.folder({"accounts": accounts("a")})
    (folder / "order_events.csv").write_text(text)
    with pytest.raises(Invalid, match=r"order_events\.csv"):
        desk.importing().folder(folder)
    assert desk.home.lake.version is None


def test_a_missing_required_column_is_named_with_its_file_and_nothing_is_imported(desk: Desk) -> None:
    desk.take(accounts=accounts("a"))
    with pytest.raises(Invalid, match=r"order_events\.parquet has no column price, .* nothing was imported"):
        desk.take(accounts=accounts("b"), order_events=orders().drop(columns="price"), transfers=transfers())
    assert desk.home.lake.version == "1"
    assert desk.home.lake.counts() == {"accounts": 1}


def test_a_folder_that_is_not_there_or_holds_nothing_of_ours_is_refused(desk: Desk) -> None:
    with pytest.raises(NotFound, match="no folder"):
        desk.importing().folder(desk.place / "elsewhere")
    with pytest.raises(Invalid, match="none of our tables"):
        desk.take(shoes=accounts("a"))


def test_importing_the_same_folder_again_changes_nothing(
    exchange_folder: Path, exchange_home: Home, desk: Desk
) -> None:
    shutil.copytree(exchange_home.folder, desk.home.folder)
    done = desk.importing().folder(exchange_folder)
    assert done.lake_version == desk.home.lake.version == "1"
    assert desk.home.lake.counts() == exchange_home.lake.counts()
    assert all(report.duplicates == report.read for report in done.tables.values())
    assert desk.set_aside() == []


class Crash(Exception):
    """The machine stops."""


def test_a_crash_between_two_tables_leaves_no_half_import(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.take(accounts=accounts("a"), order_events=orders())

    def stopping(path: str, rows: pa.Table, **how: Any) -> None:
        if path.endswith("transfers"):
            raise Crash
        write_deltalake(path, rows, **how)

    more: Mapping[str, pd.DataFrame] = {
        "accounts": accounts("b"),
        "order_events": orders(order_id=["p0", "p1", "p2"]),
        "transfers": transfers(),
    }
    folder = desk.folder(more)
    with monkeypatch.context() as patched:
        patched.setattr("features.activity.lake.write_deltalake", stopping)
        with pytest.raises(Crash):
            desk.importing().folder(folder)
    assert desk.home.lake.version == "1"
    assert desk.home.lake.counts() == {"accounts": 1, "order_events": 3}
    assert Features(desk.home.lake).engine.frame("SELECT account_id FROM accounts")["account_id"].tolist() == ["a"]
    done = desk.importing().folder(folder)
    assert all(report.accepted == report.read for report in done.tables.values())
    assert desk.home.lake.counts() == {"accounts": 2, "order_events": 6, "transfers": 3}
    rows = Features(Activity.from_lake(desk.home.lake)).engine.frame("SELECT count(*) AS n FROM order_events")
    assert rows["n"].tolist() == [6]


def test_what_a_crash_left_is_undone_once(desk: Desk) -> None:
    def stop(_snapshot: Snapshot) -> None:
        raise Crash

    desk.take(accounts=accounts("a"), order_events=orders())
    more = desk.folder({"order_events": orders(order_id=["p0", "p1", "p2"])})
    with pytest.raises(Crash):
        Import(desk.home.lake, desk.home.quarantine, IMPORTED_AT, silent, before_pinning=stop).folder(more)
    versions = []
    for name in ("b", "c", "d"):
        desk.take(accounts=accounts(name))
        versions.append(DeltaTable(str(desk.home.lake.root / "order_events")).version())
    assert versions == [versions[0]] * 3
    assert desk.home.lake.counts()["order_events"] == 3


def test_labels_without_a_date_are_known_from_the_start(desk: Desk) -> None:
    desk.take(accounts=accounts("a", "b"))
    undated = desk.folder(
        {"undated": pd.DataFrame({"account_id": ["a"], "typology": "phishing", "finding": "confirmed"})}
    )
    desk.importing().labels(undated / "undated.parquet")
    rows = {
        "account_id": ["b", "nobody"],
        "typology": "spoofing",
        "finding": "cleared",
        "known_at": "2025-05-01T00:00:00Z",
    }
    dated = desk.folder({"dated": pd.DataFrame({**rows, "known_at": "2025-05-01T00:00:00Z"})}, "csv")
    done = desk.importing().labels(dated / "dated.csv")
    assert counts(done.tables["labels"]) == (2, 1, 0, 1)
    found = read_labels(desk.home.lake)
    assert found["account_id"].tolist() == ["a", "b"]
    assert found["known_at"].tolist() == [pd.Timestamp(0, tz="UTC"), pd.Timestamp("2025-05-01", tz="UTC")]


def test_labels_in_an_exported_folder_lie_apart_from_activity(desk: Desk) -> None:
    found = pd.DataFrame({"account_id": ["a"], "typology": "spoofing", "finding": "confirmed", "source": "review"})
    desk.take(accounts=accounts("a"), labels=found.assign(known_at=pd.Timestamp("2025-05-01")))
    assert len(read_labels(desk.home.lake)) == 1
    assert "labels" not in Activity.from_lake(desk.home.lake).tables


def test_a_file_of_labels_must_exist_and_have_their_columns(desk: Desk) -> None:
    with pytest.raises(NotFound, match="no file"):
        desk.importing().labels(desk.place / "nowhere.parquet")
    folder = desk.folder({"found": pd.DataFrame({"account_id": ["a"]})})
    with pytest.raises(Invalid, match=r"found\.parquet has no column typology, finding"):
        desk.importing().labels(folder / "found.parquet")


VALUES = st.sampled_from(
    ["", "a", "b", "new", "0", "-1", "1", "2.5", "nan", "2025-05-01", "2025-05-01T00:01:00Z", "o1"]
)
SPOILS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(orders().columns.tolist()), VALUES), max_size=6)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=SPOILS, second=SPOILS)
def test_every_row_read_is_accepted_superseding_duplicate_or_quarantined_whatever_is_spoilt(
    tmp_path_factory: pytest.TempPathFactory, first: list[tuple[int, str, str]], second: list[tuple[int, str, str]]
) -> None:
    desk = Desk(tmp_path_factory.mktemp("spoilt"))
    accepted = 0
    for spoils in (first, second):
        rows = orders(6).astype(str)
        for row, column, value in spoils:
            rows.loc[row, column] = value
        report = desk.take(accounts=accounts("a"), order_events=rows).tables["order_events"]
        assert report.read == 6 == report.accepted + report.superseding + report.duplicates + report.quarantined
        assert sum(report.reasons.values()) == report.quarantined
        accepted += report.accepted + report.superseding
    assert desk.home.lake.counts().get("order_events", 0) == accepted
