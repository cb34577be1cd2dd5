"""Quote stuffing: a minute of masses of orders, nearly all taken back within a second, and what only looks like it."""

from datetime import timedelta
from typing import Any

import pytest

from features.patterns.quote_stuffing import QUOTE_STUFFING
from features.patterns.shared.episode import Episode
from tests.features.patterns.books import NOON, Row, cancel, found, microseconds, order

JUDGED_S = 61.0


def flood(orders: int = 50, cancelled: int = 40, life_s: float = 0.5, **changes: Any) -> list[Row]:
    """A minute of orders, so many of them cancelled after so long."""
    placed = [order(f"q{n}", n * 1.1) | changes for n in range(orders)]
    return placed + [cancel(o, n * 1.1 + life_s) for n, o in enumerate(placed[:cancelled])]


def episodes(rows: list[Row]) -> list[Episode]:
    """What the detector finds."""
    return found(QUOTE_STUFFING, rows)


@pytest.mark.fires("D06")
def test_fifty_orders_in_a_minute_of_which_four_fifths_vanish_within_a_second_are_one_episode() -> None:
    (one,) = episodes(flood())
    assert (one.accounts, one.symbol, one.known_at) == (("S",), "BTCUSDT", microseconds(JUDGED_S))
    assert (one.started_at, one.ended_at) == (microseconds(0), microseconds(49 * 1.1))
    assert one.measures == {
        "orders": 50,
        "cancels": 40,
        "cancel_share": 0.8,
        "life_median_s": 0.5,
        "orders_per_second": pytest.approx(50 / 60),
    }
    assert len(one.evidence) == 20
    assert one.evidence[0] == ("order_events", "q0", microseconds(0), "order placed and cancelled after 0.50 s")


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(flood(orders=49, cancelled=49), id="49 orders"),
        pytest.param(flood(cancelled=39), id="39 of 50 cancelled"),
        pytest.param(flood(life_s=1.0), id="median life of a second"),
        pytest.param(flood(source="grid"), id="orders of an engine"),
        pytest.param([*flood()[:25], *flood(symbol="ETHUSDT")[25:]], id="two books"),
    ],
)
def test_just_short_of_a_condition_is_none(rows: list[Row]) -> None:
    assert episodes(rows) == []


@pytest.mark.spares("D06")
def test_a_busy_day_trader_whose_orders_rest_is_none() -> None:
    assert episodes(flood(orders=54, cancelled=54, life_s=4.0)) == []


@pytest.mark.spares("D06")
def test_a_client_whose_orders_are_refused_is_none() -> None:
    assert episodes([row | {"event": "reject"} for row in flood() if row["event"] == "new"]) == []


def test_of_an_hour_the_first_minute_is_the_episode() -> None:
    later = [row | {"order_id": "x" + row["order_id"], "ts": row["ts"] + timedelta(minutes=5)} for row in flood()]
    next_hour = [row | {"order_id": "y" + row["order_id"], "ts": row["ts"] + timedelta(hours=1)} for row in flood()]
    assert [e.started_at for e in episodes(flood() + later + next_hour)] == [microseconds(0), microseconds(3600)]


def test_rows_that_arrive_late_are_judged_later_and_change_nothing_before() -> None:
    late = {"ingested_at": NOON + timedelta(minutes=30)}
    rows = flood()
    (one,) = episodes([*rows[:-1], rows[-1] | late])
    assert one.known_at == microseconds(JUDGED_S + 3_600)
    (before,) = episodes(rows)
    (same,) = episodes([*rows, order("late", 59.0) | late])
    assert (same.known_at, same.measures) == (before.known_at, before.measures)
