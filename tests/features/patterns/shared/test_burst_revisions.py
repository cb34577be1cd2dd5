"""Bursts burst_revisions as rows become known: what was held at a moment is what the rows known by then give."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from features.patterns.shared.burst_revisions import Version, burst_revisions

WIDTH = 10


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its times."""

    ts: int
    known_from: int
    name: int


def three(rows: Sequence[Row]) -> dict[str, int] | None:
    """Three rows in a window are a burst; one whose names add up to a multiple of seven is none."""
    return {"rows": len(rows)} if len(rows) >= 3 and sum(row.name for row in rows) % 7 else None


def unfolded(rows: Sequence[Row]) -> list[Version[Row]]:
    """Every version, rows given in the order in which they were known."""
    return list(burst_revisions(sorted(rows, key=lambda row: (row.known_from, row.ts, row.name)), [(WIDTH, three)]))


rows_of_an_account = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 30)).map(lambda times: (times[0], times[0] + times[1])), max_size=25
).map(lambda times: [Row(ts, known, number) for number, (ts, known) in enumerate(times)])


@given(rows_of_an_account, st.integers(0, 90))
def test_what_is_held_at_a_moment_is_what_the_rows_known_by_then_give(rows: list[Row], moment: int) -> None:
    whole = [version for version in unfolded(rows) if version.known_at <= moment]
    past = unfolded([row for row in rows if row.known_from <= moment])
    assert [(v.rows, v.measures, v.known_at) for v in whole] == [(v.rows, v.measures, v.known_at) for v in past]


@given(rows_of_an_account)
def test_at_any_moment_a_row_stands_in_one_burst_and_a_burst_in_one_window(rows: list[Row]) -> None:
    held = [version for version in unfolded(rows) if version.superseded_at is None]
    names = [row.name for version in held for row in version.rows]
    assert len(names) == len(set(names))
    assert all(version.rows[-1].ts - version.rows[0].ts < WIDTH for version in held)
    assert all(list(version.rows) == sorted(version.rows, key=lambda row: row.ts) for version in held)


def test_a_burst_begins_as_early_as_it_can_and_takes_in_what_follows() -> None:
    rows = [Row(ts, ts, 1) for ts in (0, 4, 8, 9, 12, 13)]
    assert [tuple(row.ts for row in version.rows) for version in unfolded(rows)] == [(0, 4, 8), (0, 4, 8, 9)]


def test_a_burst_that_is_none_any_more_ends() -> None:
    (version,) = unfolded([Row(0, 0, 1), Row(1, 1, 1), Row(2, 2, 1), Row(3, 3, 4)])
    assert (version.known_at, version.superseded_at) == (2, 3)
