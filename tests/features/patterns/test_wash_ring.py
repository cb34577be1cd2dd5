"""Wash rings: pairs, chains and leaky rings that return to zero; and everybody who only looks like one."""

from datetime import timedelta
from typing import Any

import pytest

from features.kernel.moments import DAY_US
from features.patterns.shared.episode import Episode
from features.patterns.wash import WASH_PAIR
from features.patterns.wash_ring import WASH_RING
from serving.policy.evaluation import evaluate
from tests.features.patterns.trading_floor import (
    DAY,
    MIDNIGHT_US,
    circles,
    crowd,
    floor,
    found,
    placed,
    sale,
)
from tests.serving.policy.fields import POLICY

CHAIN = ("A", "B", "C")


def rings(trades: list[dict[str, Any]], **given: Any) -> list[Episode]:
    """What the daily runs find."""
    return found(WASH_RING, floor(trades, **given))


def levels(episodes: list[Episode]) -> list[str]:
    """How grave the rules find each."""
    return [evaluate(POLICY, "wash_ring", episode.measures).severity.word for episode in episodes]


@pytest.mark.fires("D03")
def test_a_chain_whose_pairs_trade_one_way_only_is_one_ring() -> None:
    (ring,) = rings(crowd(80) + circles(CHAIN, 10))
    assert (ring.accounts, ring.known_at) == (CHAIN, MIDNIGHT_US)
    assert ring.superseded_at == MIDNIGHT_US + 7 * DAY_US
    assert (ring.measures["trades"], ring.measures["volume_usd"]) == (30, 30_000)
    assert (ring.measures["net_share"], ring.measures["netted_share"]) == (0.0, 1.0)
    assert ring.measures["windows_netted"] == 3  # the hour, the day, the week
    assert {link[:2] for link in ring.links} == {("A", "B"), ("A", "C"), ("B", "C")}
    assert len(ring.evidence) == 20
    assert ring.evidence[0][3] == "A sold 1,000 USD to B"


def test_a_ring_that_is_a_large_part_of_its_market_is_one_level_graver() -> None:
    whales = [trade | {"notional_usd": 10_000.0} for trade in crowd(80)]
    assert levels(rings(crowd(80) + circles(CHAIN, 10))) == ["critical"]
    assert levels(rings(whales + circles(CHAIN, 10))) == ["high"]
    assert levels(rings(crowd(80) + circles(CHAIN, 10, 3.0))) == ["info"]  # 9,000 USD


@pytest.mark.fires("D03")
def test_two_who_make_half_a_market_between_themselves_are_a_ring() -> None:
    episodes = rings(crowd(80) + circles(("A", "B"), 120))
    assert [episode.measures["lift_min"] for episode in episodes] == [4.0]
    assert levels(episodes) == ["critical"]


@pytest.mark.parametrize(("left_over", "is_found"), [(1.9, True), (2.1, False)])
def test_members_return_to_zero_within_one_hundredth_of_what_they_traded(left_over: float, is_found: bool) -> None:
    rest = [sale("A", "B", DAY + timedelta(hours=16), left_over)]
    assert bool(rings(crowd(80) + circles(("A", "B"), 10) + rest)) is is_found


def test_accounts_that_pass_value_on_in_one_direction_are_no_ring() -> None:
    way = [sale("A", "B", DAY + timedelta(hours=12, minutes=n), 10.0) for n in range(30)]
    assert rings(crowd(80) + way) == []


def test_legs_that_leak_to_others_hide_no_ring() -> None:
    legs = circles(CHAIN, 16)
    leaked = [leg for number, leg in enumerate(legs) if number % 4 == 0]
    kept = [leg for number, leg in enumerate(legs) if number % 4]
    outside = [
        trade
        for number, leg in enumerate(leaked)
        for trade in (
            sale(leg["maker_account_id"], f"c{number}", leg["ts"], 10.0),
            sale(f"c{number + 20}", leg["taker_account_id"], leg["ts"], 10.0),
        )
    ]
    (ring,) = rings(crowd(80) + kept + outside)
    assert (ring.accounts, ring.measures["trades"]) == (CHAIN, len(kept))


@pytest.mark.spares("D03")
def test_two_makers_of_a_thin_symbol_who_trade_mostly_with_others_are_no_ring() -> None:
    """Both are flat at night and meet each other above chance, but three quarters of their trading is with others."""
    mutual = [sale("M1", "M2", DAY + timedelta(hours=12, minutes=n)) for n in range(12)]
    customers = [
        trade
        for n in range(24)
        for trade in (
            sale(f"c{n}", "M1", DAY + timedelta(hours=13, minutes=n)),
            sale("M2", f"c{n}", DAY + timedelta(hours=14, minutes=n)),
        )
    ]
    back = [
        trade
        for n in range(12)
        for trade in (
            sale("M1", f"c{n + 3}", DAY + timedelta(hours=15, minutes=n)),
            sale(f"c{n + 5}", "M2", DAY + timedelta(hours=16, minutes=n)),
        )
    ]
    trades = crowd(80) * 4 + mutual + customers + back
    assert [pair.accounts for pair in found(WASH_PAIR, floor(trades))] == [("M1", "M2")]
    assert rings(trades) == []


@pytest.mark.spares("D03")
def test_a_market_maker_with_an_agreement_is_left_to_the_models() -> None:
    episodes = rings(crowd(80) + circles(CHAIN, 10), makers=("B",))
    assert [episode.measures["market_makers"] for episode in episodes] == [1]
    assert levels(episodes) == ["info"]


@pytest.mark.spares("D03")
def test_three_people_in_a_dead_market_go_to_a_human_and_no_higher() -> None:
    episodes = rings(circles(CHAIN, 20))
    assert [episode.measures["thin_market"] for episode in episodes] == [True]
    assert levels(episodes) == ["medium"]


def test_three_people_in_a_dead_market_who_hold_on_to_what_they_buy_are_nothing() -> None:
    assert rings([sale("A", "B", DAY + timedelta(hours=n)) for n in range(12)]) == []


@pytest.mark.spares("D03")
def test_grid_bots_of_the_platform_intend_nothing() -> None:
    legs = [leg | {"taker_order_id": f"o{n}"} for n, leg in enumerate(circles(CHAIN, 10))]
    orders = [placed(f"o{n}", leg["taker_account_id"], "grid", DAY) for n, leg in enumerate(legs)]
    by_hand = [order | {"source": "app"} for order in orders]
    assert rings(crowd(80) + legs, orders=orders) == []
    assert len(rings(crowd(80) + legs, orders=by_hand)) == 1


def test_a_hedge_in_another_product_is_no_way_back() -> None:
    spot = [sale("A", "B", DAY + timedelta(hours=12, minutes=n), 10.0) for n in range(12)]
    perp = [sale("B", "A", DAY + timedelta(hours=12, minutes=n), 10.0, product="perp") for n in range(12)]
    perps = [trade | {"product": "perp"} for trade in crowd(80)]
    assert rings(crowd(80) + perps + spot + perp) == []


def test_a_round_that_arrives_late_changes_nothing_before_its_arrival() -> None:
    late = circles(CHAIN, 1, start=timedelta(hours=13), ingested_at=DAY + timedelta(days=2, hours=1))
    on_time = crowd(80) + circles(CHAIN, 10)
    (without,) = rings(on_time)
    first, second = rings(on_time + late)
    assert (first.measures, first.evidence, first.known_at) == (without.measures, without.evidence, without.known_at)
    assert first.superseded_at == second.known_at == MIDNIGHT_US + 2 * DAY_US
    assert (first.measures["trades"], second.measures["trades"]) == (30, 33)
