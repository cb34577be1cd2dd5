"""Wash pairs: far above chance, found at the next midnight, and never in a market too thin to tell."""

from datetime import timedelta
from typing import Any

import pytest

from features.kernel.moments import DAY_US
from features.patterns.shared.episode import Episode
from features.patterns.wash import WASH_PAIR
from tests.features.patterns.trading_floor import (
    DAY,
    MIDNIGHT_US,
    both_ways,
    circles,
    crowd,
    floor,
    found,
    sale,
)


def pairs(trades: list[dict[str, Any]]) -> list[Episode]:
    """What the daily runs find."""
    return found(WASH_PAIR, floor(trades))


def market(people: int, pair_trades: int, **given: Any) -> list[dict[str, Any]]:
    """A crowd, and W1 and W2 who trade with each other in turns."""
    return crowd(people, **given) + circles(("W1", "W2"), pair_trades // 2, 1.0, **given)


@pytest.mark.fires("D03")
def test_a_pair_far_above_chance_is_one_finding_while_the_window_holds_it() -> None:
    (pair,) = pairs(market(people=40, pair_trades=30))
    assert (pair.accounts, pair.known_at) == (("W1", "W2"), MIDNIGHT_US)
    assert pair.superseded_at == MIDNIGHT_US + 7 * DAY_US
    assert pair.measures["trades"] == 30
    assert pair.measures["expected_trades"] == (15 * 15 + 15 * 15) / 150
    assert pair.measures["lift"] == 10.0
    assert pair.measures["net_share"] == 0.0


def test_another_trade_makes_another_version_from_the_next_midnight_on() -> None:
    more = [sale("W1", "W2", DAY + timedelta(days=2))]
    first, second = pairs(market(people=40, pair_trades=30) + more)
    assert first.superseded_at == second.known_at == MIDNIGHT_US + 2 * DAY_US
    assert (first.measures["trades"], second.measures["trades"]) == (30, 31)


def test_nothing_is_found_before_the_trades_were_known() -> None:
    late = DAY + timedelta(days=2, hours=12)
    (pair,) = pairs(market(people=40, pair_trades=30, ingested_at=late))
    assert pair.known_at == MIDNIGHT_US + 2 * DAY_US


def test_a_market_with_few_participants_is_too_thin_to_tell() -> None:
    assert pairs(market(people=17, pair_trades=20)) == []
    assert len(pairs(market(people=18, pair_trades=20))) == 1


@pytest.mark.fires("D03")
def test_two_who_make_half_a_market_between_themselves_cannot_hide_behind_its_size() -> None:
    """240 of 480 trades: random matching explains half of what they did, so their lift can only be 4."""
    (pair,) = pairs(crowd(80) + circles(("W1", "W2"), 120, 1.0))
    assert (pair.measures["lift"], pair.measures["mutual_share"]) == (4.0, 1.0)


@pytest.mark.parametrize("rest", [60, 20])
def test_nor_if_one_always_rests_and_the_other_always_takes(rest: int) -> None:
    """Of 600 + 3 x rest trades they make three quarters and more: their own counts explain nearly all of it."""
    noon, sides = DAY + timedelta(hours=12), ("buy", "sell")
    turns = [sale("W1", "W2", noon + timedelta(seconds=n), taker_side=sides[n % 2]) for n in range(600)]
    (pair,) = pairs(crowd(rest) + turns)
    assert float(pair.measures["lift"] or 0) < 1.4


@pytest.mark.spares("D03")
def test_two_busy_traders_of_a_market_who_mostly_trade_with_others_are_its_size() -> None:
    """They meet in 60 trades of 480 and each has 90 with others, in turns to buy and to sell."""
    others = both_ways(("W1", "W2"), 45, timedelta(hours=15))
    assert pairs(crowd(80) + circles(("W1", "W2"), 30, 1.0) + others) == []


def test_a_few_trades_are_chance() -> None:
    assert pairs(market(people=40, pair_trades=8)) == []


def test_spot_and_futures_of_one_symbol_are_two_markets() -> None:
    half = [trade | {"product": "perp"} for trade in market(people=40, pair_trades=8)]
    assert pairs(market(people=40, pair_trades=8) + half) == []


@pytest.mark.spares("D03")
def test_liquidations_are_nobodys_wash_trades() -> None:
    assert pairs(crowd(40) + circles(("W1", "W2"), 15, 1.0, liquidation=True)) == []


@pytest.mark.spares("D03")
def test_a_maker_whom_everybody_meets_is_no_pair_with_its_best_customer() -> None:
    customers = [sale("MM", f"c{n}", DAY + timedelta(hours=14, minutes=n)) for n in range(40) for _ in range(10)]
    assert pairs(crowd(40) + customers + circles(("MM", "W1"), 20, 1.0)) == []
