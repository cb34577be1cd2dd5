"""Linked trades: one case a control group, market and day; desks that cross by chance stay below every rule."""

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from features.kernel.moments import DAY_US
from features.patterns.linked_trades import LINKED_TRADES
from features.patterns.shared.episode import Episode
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

CONTROL = pa.schema(
    [
        ("account_id", pa.string()),
        ("other_id", pa.string()),
        ("known_from", pa.int64()),
        ("known_until", pa.int64()),
    ]
)
FROM_THE_START = int((DAY - timedelta(days=30)).timestamp() * 1e6)
NOON_US = int((DAY + timedelta(hours=12)).timestamp() * 1e6)


def cases(
    trades: list[dict[str, Any]],
    *control: tuple[str, str],
    since: int = FROM_THE_START,
    until: int | None = None,
    **given: Any,
) -> list[Episode]:
    """What is found where these pairs are under one control."""
    engine = floor(trades, **given)
    both = [pair for one, other in control for pair in ((one, other), (other, one))]
    rows = [{"account_id": a, "other_id": b, "known_from": since, "known_until": until} for a, b in both]
    engine.register("_control", pa.Table.from_pylist(rows, CONTROL))
    engine.create("fact_control", "SELECT * FROM _control")
    return found(LINKED_TRADES, engine)


def levels(episodes: list[Episode]) -> list[str]:
    """How grave the rules find each."""
    return [evaluate(POLICY, "linked_trades", episode.measures).severity.word for episode in episodes]


@pytest.mark.fires("D03")
def test_a_pair_under_one_control_is_one_case_with_both_accounts() -> None:
    (case,) = cases(crowd(80) + circles(("A", "B"), 3), ("A", "B"))
    assert (case.accounts, case.known_at) == (("A", "B"), MIDNIGHT_US)
    assert case.superseded_at == MIDNIGHT_US + 7 * DAY_US
    assert (case.measures["trades"], case.measures["volume_usd"]) == (6, 6_000)
    assert case.measures["lift"] == pytest.approx(6 / (6 * 6 / 246))
    assert (case.measures["own_volume_share"], case.measures["symbol_volume_share"]) == (1.0, 6_000 / 30_000)
    assert [row for _table, row, _at, _text in case.evidence] == [f"t{n}" for n in range(240, 246)]
    assert levels([case]) == ["high"]


def test_the_fifth_trade_of_the_group_in_a_market_and_day_is_the_one_that_counts() -> None:
    legs = circles(("A", "B", "C"), 2)
    linked = (("A", "B"), ("B", "C"), ("A", "C"))
    assert levels(cases(crowd(80) + legs[:5], *linked)) == ["high"]
    assert levels(cases(crowd(80) + legs[:4], *linked)) == ["info"]
    next_day = [leg | {"ts": leg["ts"] + timedelta(days=1)} for leg in legs[4:]]
    assert levels(cases(crowd(80) + legs[:4] + next_day, *linked)) == ["info", "info"]
    futures = [leg | {"product": "perp"} for leg in legs[4:]]
    assert levels(cases(crowd(80) + legs[:4] + futures, *linked)) == ["info", "info"]


@pytest.mark.fires("D03")
def test_one_account_on_both_sides_is_a_case_of_one() -> None:
    (case,) = cases(crowd(80) + [sale("A", "A", DAY + timedelta(hours=n)) for n in range(12, 17)])
    assert (case.accounts, case.measures["own_trades"]) == (("A",), 5)
    assert levels([case]) == ["high"]


@pytest.mark.spares("D03")
def test_desks_of_one_owner_that_cross_as_chance_has_it_stay_below() -> None:
    desks = [
        trade
        for n in range(120)
        for trade in (
            sale("D1", f"c{n % 80}", DAY + timedelta(hours=12, seconds=n)),
            sale(f"c{n % 80}", "D2", DAY + timedelta(hours=13, seconds=n)),
        )
    ]
    crossing = [sale("D1", "D2", DAY + timedelta(hours=14, seconds=n)) for n in range(8)]
    (case,) = cases(crowd(80) + desks + crossing, ("D1", "D2"))
    assert case.measures["trades"] == 8
    assert float(case.measures["lift"] or 0) < 1
    assert levels([case]) == ["info"]


@pytest.mark.spares("D03")
@pytest.mark.parametrize(
    ("elsewhere", "house", "level"),
    [
        pytest.param(18, ("A", "B"), "info", id="a declared house, a quarter among themselves"),
        pytest.param(6, ("A", "B"), "high", id="a declared house, half of it"),
        pytest.param(18, ("A",), "high", id="only one of them declared"),
    ],
)
def test_accounts_of_one_declared_owner_are_grave_only_where_they_mostly_trade_with_each_other(
    elsewhere: int, house: tuple[str, ...], level: str
) -> None:
    trades = [sale("A", f"c{n}", DAY + timedelta(hours=15, seconds=n), 10.0) for n in range(2 * elsewhere)]
    (case,) = cases(crowd(300) + circles(("A", "B"), 3) + trades, ("A", "B"), house=house)
    assert float(case.measures["lift"] or 0) >= 5
    assert case.measures["declared"] is (house == ("A", "B"))
    assert levels([case]) == [level]


@pytest.mark.spares("D03")
@pytest.mark.parametrize(("declared", "level"), [(True, "info"), (False, "critical")])
def test_a_declared_house_is_spared_in_a_market_of_which_it_is_a_large_part_too(declared: bool, level: str) -> None:
    measures = {"trades": 6, "lift": 6.0, "own_volume_share": 0.25, "symbol_volume_share": 0.06, "volume_usd": 12_000.0}
    fields = {**measures, "members": 2, "own_trades": 0, "market_makers": 0, "declared": declared}
    assert evaluate(POLICY, "linked_trades", fields).severity.word == level


@pytest.mark.spares("D03")
def test_a_market_maker_with_an_agreement_is_left_to_the_models() -> None:
    assert levels(cases(crowd(80) + circles(("A", "B"), 3), ("A", "B"), makers=("A",))) == ["info"]


@pytest.mark.parametrize(("until", "trades"), [(NOON_US, 0), (NOON_US + 1, 1), (None, 6)])
def test_a_control_that_had_ended_before_the_trade_links_nothing(until: int | None, trades: int) -> None:
    found_cases = cases(crowd(80) + circles(("A", "B"), 3), ("A", "B"), until=until)
    assert sum(int(case.measures["trades"] or 0) for case in found_cases) == trades


def test_a_control_that_becomes_known_later_links_from_the_next_midnight_on() -> None:
    learned = MIDNIGHT_US + DAY_US + 1
    (case,) = cases(crowd(80) + circles(("A", "B"), 3), ("A", "B"), since=learned)
    assert case.known_at == MIDNIGHT_US + 2 * DAY_US
    assert cases(crowd(80) + circles(("A", "B"), 3), ("A", "B"), since=MIDNIGHT_US + 7 * DAY_US) == []


def test_a_trade_that_arrives_late_changes_nothing_before_its_arrival() -> None:
    late = sale("A", "B", DAY + timedelta(hours=15), ingested_at=DAY + timedelta(days=2, hours=1))
    trades = crowd(80) + circles(("A", "B"), 2)
    (without,) = cases(trades, ("A", "B"))
    first, second = cases([*trades, late], ("A", "B"))
    assert (first.measures, first.known_at) == (without.measures, without.known_at)
    assert first.superseded_at == second.known_at == MIDNIGHT_US + 2 * DAY_US
    assert levels([first, second]) == ["info", "high"]


def test_a_leader_and_the_copies_of_the_platform_intend_nothing() -> None:
    legs = [leg | {"taker_order_id": f"o{n}"} for n, leg in enumerate(circles(("A", "B"), 3))]
    orders = [placed(f"o{n}", leg["taker_account_id"], "copy", DAY) for n, leg in enumerate(legs)]
    assert cases(crowd(80) + legs, ("A", "B"), orders=orders) == []


def test_strangers_are_no_case() -> None:
    assert cases(crowd(80) + circles(("A", "B"), 3), ("A", "C")) == []
