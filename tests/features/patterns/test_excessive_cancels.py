"""Excessive cancels: very many in one contract and day, unless everybody cancels more than usual on that day."""

from datetime import timedelta
from typing import Any

import pytest

from features.patterns.excessive_cancels import EXCESSIVE_CANCELS
from features.patterns.shared.episode import Episode
from tests.features.patterns.books import NOON, Row, cancel, found, microseconds, order

DAY_S = 86_400
MIDNIGHT_S = 12 * 3_600


def cancels(count: int, day: int = 0, account: str = "S", **changes: Any) -> list[Row]:
    """So many cancels in the afternoon of a day."""
    return [
        cancel(order(f"{account}{day}-{n}", 0), day * DAY_S + n * 10, account_id=account, **changes)
        for n in range(count)
    ]


def episodes(rows: list[Row]) -> list[Episode]:
    """What the detector finds."""
    return found(EXCESSIVE_CANCELS, rows)


@pytest.mark.fires("D06")
def test_five_hundred_cancels_of_a_contract_in_a_day_are_one_episode_at_midnight() -> None:
    (one,) = episodes(cancels(500))
    assert (one.accounts, one.symbol, one.known_at) == (("S",), "BTCUSDT", microseconds(MIDNIGHT_S))
    assert (one.started_at, one.ended_at) == (microseconds(0), microseconds(4_990))
    assert one.measures == {"cancels": 500, "allowed": 500.0, "market_to_usual": None}
    assert [row for _, row, _, _ in one.evidence] == [f"S0-{n}" for n in range(20)]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(cancels(499), id="499"),
        pytest.param(cancels(500, source="grid"), id="of an engine"),
        pytest.param(cancels(300) + cancels(300, symbol="ETHUSDT"), id="two contracts"),
        pytest.param(cancels(300) + cancels(300, day=1), id="two days"),
    ],
)
def test_just_short_of_it_is_none(rows: list[Row]) -> None:
    assert episodes(rows) == []


@pytest.mark.parametrize(("mine", "found_days"), [(999, 0), (1_000, 1)])
@pytest.mark.spares("D06")
def test_on_a_day_on_which_everybody_cancels_twice_as_much_twice_as_much_is_allowed(mine: int, found_days: int) -> None:
    before = cancels(50, day=-1, account="A") + cancels(150, day=-2, account="A") + cancels(400, day=-1)
    assert len(episodes(before + cancels(200, account="A") + cancels(mine))) == found_days


def test_a_quiet_day_allows_no_less() -> None:
    (one,) = episodes(cancels(100, day=-1, account="A") + cancels(10, account="A") + cancels(500))
    assert (one.measures["allowed"], one.measures["market_to_usual"]) == (500.0, 0.1)


def test_a_cancel_that_arrives_after_midnight_is_counted_at_the_next() -> None:
    rows = cancels(500)
    late = {"ingested_at": NOON + timedelta(days=1)}
    (one,) = episodes([*rows[:-1], rows[-1] | late])
    assert one.known_at == microseconds(MIDNIGHT_S + DAY_S)
    (same,) = episodes([*rows, cancel(order("late", 0), 1.0) | late])
    assert (same.known_at, same.measures["cancels"]) == (microseconds(MIDNIGHT_S), 500)
