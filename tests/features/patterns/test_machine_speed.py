"""Machine speed: many orders a second through web or app for ten seconds on end, and what only looks like it."""

from datetime import timedelta
from typing import Any

import pytest

from features.patterns.machine_speed import MACHINE_SPEED
from features.patterns.shared.episode import Episode
from tests.features.patterns.books import NOON, Row, found, microseconds, order


def stream(seconds: int = 10, a_second: int = 5, **changes: Any) -> list[Row]:
    """So many orders in each second."""
    return [
        order(f"m{s}-{n}", s + n / a_second, source="web", had_ui_event=n == 0) | changes
        for s in range(seconds)
        for n in range(a_second)
    ]


def episodes(rows: list[Row]) -> list[Episode]:
    """What the detector finds."""
    return found(MACHINE_SPEED, rows)


@pytest.mark.fires("D02")
def test_five_orders_in_each_of_ten_seconds_are_one_episode() -> None:
    (one,) = episodes(stream())
    assert (one.accounts, one.symbol) == (("S",), "BTCUSDT")
    assert (one.started_at, one.ended_at, one.known_at) == (
        microseconds(0),
        microseconds(9.8),
        microseconds(9.8),
    )
    assert one.measures == {
        "orders": 50,
        "orders_per_second": 5.0,
        "seconds": 10,
        "without_ui_share": 0.8,
        "symbols": 1,
    }
    assert len(one.evidence) == 20


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(stream(seconds=9), id="nine seconds"),
        pytest.param(stream(a_second=4), id="four a second"),
        pytest.param(stream(seconds=1, a_second=60), id="everything closed at one click"),
        pytest.param([row for row in stream(seconds=12) if not row["order_id"].startswith("m5-4")], id="a pause"),
        pytest.param(stream(source="api"), id="an approved key"),
        pytest.param(stream(source="grid"), id="an engine"),
        pytest.param([*stream()[:25], *stream(account_id="T")[25:]], id="two people"),
    ],
)
@pytest.mark.spares("D02")
def test_just_short_of_it_is_none(rows: list[Row]) -> None:
    assert episodes(rows) == []


def test_a_stream_that_goes_on_is_one_episode_a_minute() -> None:
    assert [e.started_at for e in episodes(stream(seconds=125))] == [microseconds(s) for s in (0, 51, 111)]


def test_a_late_order_counts_from_when_it_is_known_and_changes_nothing_before() -> None:
    late = {"ingested_at": NOON + timedelta(hours=1)}
    rows = stream()
    (one,) = episodes([*rows[:-1], rows[-1] | late])
    assert one.known_at == microseconds(3_600)
    (before,) = episodes(rows)
    (same,) = episodes([*rows, order("late", 5.5, source="web", had_ui_event=False) | late])
    assert (same.known_at, same.measures) == (before.known_at, before.measures)
