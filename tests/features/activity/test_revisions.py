"""The state as of a moment: what a plain reading of all rows gives, whatever was corrected, cancelled and tied."""

from collections.abc import Mapping
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.activity.schema import TABLES
from features.activity.snapshot import Activity
from tests.features.activity.exports import accounts, transfers

START = pd.Timestamp("2025-05-01", tz="UTC")
START_US = START.value // 1_000
HOUR_US = 3_600_000_000

Version = tuple[str, int, int, int, bool]
"""A row: its id, the hour at which it happened, hours until it was learned of, its amount, whether it is cancelled."""
VERSIONS = st.lists(
    st.tuples(st.sampled_from("xyz"), st.integers(0, 4), st.integers(0, 6), st.integers(1, 3), st.booleans()),
    max_size=9,
)


def activity_of(versions: list[Version]) -> Activity:
    """The rows as transfers in memory."""
    happened = [START + pd.Timedelta(hours=v[1]) for v in versions]
    rows: dict[str, Any] = {
        "transfer_id": [v[0] for v in versions],
        "ts": pd.to_datetime(happened, utc=True),
        "ingested_at": pd.to_datetime(
            [h + pd.Timedelta(hours=v[2]) for h, v in zip(happened, versions, strict=True)], utc=True
        ),
        "amount": [float(v[3]) for v in versions],
        "cancelled": [v[4] for v in versions],
    }
    frame = transfers(1).drop(columns=list(rows.keys() & set(transfers(1))))
    frame = pd.concat([frame] * len(versions), ignore_index=True) if versions else frame.iloc[:0]
    return Activity.from_frames({"transfers": frame.assign(**rows)})


def state(activity: Activity, moment: int | None, name: str = "transfers") -> list[dict[str, Any]]:
    """The rows that hold as of a moment, from the table in memory."""
    rows = activity.tables[name]
    assert isinstance(rows, pa.Table)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("given", rows)
        found: list[dict[str, Any]] = (
            connection.sql(activity.state(name, "given", rows.column_names, moment)).to_arrow_table().to_pylist()
        )
    return found


def visible(rows: list[dict[str, Any]], moment: int) -> list[tuple[str, float, int]]:
    """Of the rows those that features see at a moment."""
    seen = [(r["transfer_id"], r["amount"], r["known_from"]) for r in rows if r["known_from"] <= moment]
    happened = {r["transfer_id"]: r["ts"] for r in rows}
    return sorted(s for s in seen if pd.Timestamp(happened[s[0]]).value // 1_000 < moment)


def expected(versions: list[Version], moment: int) -> list[tuple[str, float, int]]:
    """What holds and is seen at a moment, by a plain reading: the newest visible version of each id."""
    found = []
    for key in sorted({v[0] for v in versions}):
        clocked = [(START_US + (v[1] + v[2]) * HOUR_US, v) for v in versions if v[0] == key]
        seen = [(clock, v) for clock, v in clocked if clock <= moment and START_US + v[1] * HOUR_US < moment]
        if not seen:
            continue
        # Of those known at one moment the one that is not cancelled restricts more; then the greater text decides.
        newest = max(seen, key=lambda row: (row[0], not row[1][4], text_of(row[1])))[1]
        if not newest[4]:
            known = max(min(clock for clock, _ in seen), START_US + newest[1] * HOUR_US)
            found.append((key, float(newest[3]), known))
    return found


def text_of(version: Version) -> tuple[int, int]:
    """What of a row's text can differ, in the order of the columns."""
    return (version[1], version[3])


@settings(max_examples=25, deadline=None)
@given(versions=VERSIONS, hour=st.integers(0, 11), offset=st.sampled_from([-1, 0, 1]))
def test_features_at_a_moment_see_the_newest_visible_version_of_each_row(
    versions: list[Version], hour: int, offset: int
) -> None:
    activity = activity_of(versions)
    moment = START_US + hour * HOUR_US + offset
    before = [m for m in activity.revision_moments() if m <= moment]
    # As the derivation reads it: the state of the last revision before the moment.
    rows = state(activity, before[-1] if before else START_US)
    assert visible(rows, moment) == expected(versions, moment)


@settings(max_examples=25, deadline=None)
@given(versions=VERSIONS, hour=st.integers(0, 11), offset=st.sampled_from([-1, 0, 1]))
def test_the_state_at_a_moment_is_the_state_of_the_rows_cut_at_that_moment(
    versions: list[Version], hour: int, offset: int
) -> None:
    moment = START_US + hour * HOUR_US + offset
    cut = [v for v in versions if START_US + (v[1] + v[2]) * HOUR_US <= moment and START_US + v[1] * HOUR_US < moment]
    whole, past = activity_of(versions), activity_of(cut)
    assert visible(state(whole, moment), moment) == visible(state(past, moment), moment)
    assert visible(state(past, moment), moment) == visible(state(past, None), moment)
    assert [m for m in whole.revision_moments() if m <= moment] == past.revision_moments()


def versions_of(activity: Activity, moment: int) -> list[tuple[str, str]]:
    """Account and owner of each version that holds as of a moment."""
    return sorted((row["account_id"], row["owner_id"]) for row in state(activity, moment, "accounts"))


def test_all_versions_of_an_account_count_unless_a_later_row_cancels_the_account() -> None:
    hours = {"one": 1, "two": 2, "gone": 3, "three": 4}
    rows: Mapping[str, Any] = {
        "owner_id": list(hours),
        "cancelled": [owner == "gone" for owner in hours],
        "ingested_at": pd.to_datetime([START + pd.Timedelta(hours=h) for h in hours.values()], utc=True),
    }
    activity = Activity.from_frames(
        {"accounts": pd.concat([accounts(*"aaaa").assign(**rows), accounts("b", owner_id="b")])}
    )
    assert activity.revision_moments() == [START_US + 3 * HOUR_US]
    assert versions_of(activity, START_US + 2 * HOUR_US) == [("a", "one"), ("a", "three"), ("a", "two"), ("b", "b")]
    assert versions_of(activity, START_US + 3 * HOUR_US) == [("a", "three"), ("b", "b")]


def test_rows_that_no_row_corrects_are_the_table_itself() -> None:
    rows = transfers(3)
    activity = Activity.from_frames({"transfers": rows})
    assert not activity.is_corrected("transfers")
    assert activity.revision_moments() == []
    assert [row["transfer_id"] for row in state(activity, START_US)] == rows["transfer_id"].tolist()
    assert activity.tables["transfers"].column_names == [c.name for c in TABLES["transfers"].columns]  # type: ignore[union-attr]


def test_a_repeated_row_in_memory_is_one_row_and_no_correction() -> None:
    activity = Activity.from_frames({"transfers": pd.concat([transfers(2), transfers(2)])})
    assert activity.revision_moments() == []
    assert len(state(activity, None)) == 2
