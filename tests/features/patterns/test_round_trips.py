"""Round trips: a trade taken back from the same counterparty at once, and scalpers and makers who turn around."""

from datetime import timedelta
from typing import Any

import pytest

from features.kernel.moments import DAY_US
from features.patterns.round_trips import ROUND_TRIPS
from features.patterns.shared.episode import Episode
from serving.policy.evaluation import evaluate
from tests.features.patterns.trading_floor import (
    DAY,
    MIDNIGHT_US,
    both_ways,
    crowd,
    floor,
    found,
    placed,
    sale,
)
from tests.serving.policy.fields import POLICY

NOON = DAY + timedelta(hours=12)


def there_and_back(trips: int, apart_s: float = 60, back: float = 10.0, **given: Any) -> list[dict[str, Any]]:
    """A sells 10 to B, who sells so much back so soon, once every hour."""
    return [
        trade
        for n in range(trips)
        for trade in (
            sale("A", "B", NOON + timedelta(hours=n), 10.0, **given),
            sale("B", "A", NOON + timedelta(hours=n, seconds=apart_s), back, **given),
        )
    ]


def days(trades: list[dict[str, Any]], **given: Any) -> list[Episode]:
    """What is found beside a crowd."""
    return found(ROUND_TRIPS, floor(crowd(80) + trades, **given))


def trips(trades: list[dict[str, Any]], **given: Any) -> list[int]:
    """How many round trips each finding counts."""
    return [int(day.measures["round_trips"] or 0) for day in days(trades, **given)]


@pytest.mark.fires("D03")
def test_three_in_a_day_ask_for_a_person_and_two_do_not() -> None:
    (three,) = days(there_and_back(3))
    assert (three.accounts, three.known_at, three.superseded_at) == (("A", "B"), MIDNIGHT_US, MIDNIGHT_US + 7 * DAY_US)
    assert (three.measures["round_trips"], three.measures["volume_usd"], three.measures["longest_s"]) == (3, 6_000, 60)
    assert len(three.evidence) == 6
    assert evaluate(POLICY, "round_trips", three.measures).severity.word == "medium"
    (two,) = days([*there_and_back(2), sale("A", "B", NOON + timedelta(hours=5))])
    assert evaluate(POLICY, "round_trips", two.measures).severity.word == "info"


@pytest.mark.parametrize(("apart_s", "count"), [(300, [3]), (300.001, [])])
def test_the_way_back_is_taken_within_five_minutes(apart_s: float, count: list[int]) -> None:
    assert trips(there_and_back(3, apart_s)) == count


@pytest.mark.parametrize(("back", "count"), [(9.91, [3]), (9.9, []), (10.1, [3]), (10.11, [])])
def test_both_ways_are_of_one_size_within_a_hundredth(back: float, count: list[int]) -> None:
    assert trips(there_and_back(3, back=back)) == count


def test_no_trade_belongs_to_two_round_trips() -> None:
    sides = [("A", "B"), ("B", "A")] * 2 + [("A", "B")]
    assert trips([sale(*pair, NOON + timedelta(minutes=n), 10.0) for n, pair in enumerate(sides)]) == [2]


@pytest.mark.spares("D03")
def test_two_busy_traders_of_a_small_market_who_meet_no_more_than_chance_has_it_take_nothing_back() -> None:
    """Half of what each does is with the other, as their size in a market of 32 trades would have it."""
    others = both_ways(("A", "B"), 4, timedelta(hours=12))
    quiet = [sale(f"f{n}", f"g{n}", NOON) for n in range(8)]
    assert found(ROUND_TRIPS, floor(there_and_back(4) + others + quiet)) == []


@pytest.mark.spares("D03")
def test_a_scalper_turns_around_against_whoever_is_there() -> None:
    scalps = [
        trade
        for n in range(20)
        for trade in (
            sale(f"c{n}", "A", NOON + timedelta(minutes=10 * n), 10.0),
            sale("A", f"c{n + 1}", NOON + timedelta(minutes=10 * n + 1), 10.0),
        )
    ]
    assert days(scalps) == []


def test_a_scalper_who_meets_the_maker_whom_everybody_meets_is_none() -> None:
    everybody = [sale("B", f"c{n % 80}", DAY + timedelta(hours=3, seconds=n)) for n in range(200)] + [
        sale(f"c{n % 80}", "B", DAY + timedelta(hours=4, seconds=n)) for n in range(200)
    ]
    assert days(everybody + there_and_back(6)) == []


def test_a_market_maker_with_an_agreement_is_left_to_the_models() -> None:
    (day,) = days(there_and_back(3), makers=("B",))
    assert evaluate(POLICY, "round_trips", day.measures).severity.word == "info"


def test_grid_bots_of_the_platform_intend_nothing() -> None:
    legs = [leg | {"maker_order_id": f"o{n}"} for n, leg in enumerate(there_and_back(3))]
    orders = [placed(f"o{n}", leg["maker_account_id"], "grid", DAY) for n, leg in enumerate(legs)]
    assert days(legs, orders=orders) == []


def test_a_hedge_in_futures_takes_nothing_back() -> None:
    perps = [trade | {"product": "perp"} for trade in crowd(80)]
    legs = [leg | {"product": "perp"} if n % 2 else leg for n, leg in enumerate(there_and_back(6))]
    assert days(perps + legs) == []


def test_a_way_back_that_arrives_late_changes_nothing_before_its_arrival() -> None:
    legs = there_and_back(3)
    late = [*legs[:-1], legs[-1] | {"ingested_at": DAY + timedelta(days=2, hours=1)}]
    first, second = days(late)
    assert (first.known_at, first.measures["round_trips"]) == (MIDNIGHT_US, 2)
    assert (second.known_at, second.measures["round_trips"]) == (MIDNIGHT_US + 2 * DAY_US, 3)
    assert (first.superseded_at, second.superseded_at) == (second.known_at, MIDNIGHT_US + 7 * DAY_US)
