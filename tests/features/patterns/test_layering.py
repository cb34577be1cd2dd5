"""Layering: orders at several prices pulled together after an own opposite fill, and what only looks like it."""

from datetime import timedelta
from typing import Any

import pytest

from features.patterns.layering import LAYERING
from features.patterns.shared.episode import Episode
from tests.features.patterns.books import NOON, Row, cancel, fill, found, microseconds, order

FILLED_S = 20.0


def layer(levels: int = 3, depth: float = 0.09, **changes: Any) -> list[Row]:
    """Sell orders at rising prices, one a second."""
    return [
        order(f"l{n}", float(n), price=101.0 + n, quantity=20.0, depth_share=depth) | changes for n in range(levels)
    ]


def pulled(orders: list[Row], after_s: float = FILLED_S + 1, apart_s: float = 0.2) -> list[Row]:
    """The orders, and their cancels one after another."""
    return orders + [cancel(o, after_s + n * apart_s) for n, o in enumerate(orders)]


def episodes(orders: list[Row], *trades: Row) -> list[Episode]:
    """What the detector finds, with an own buy beside the orders."""
    return found(LAYERING, orders, trades or (fill("f", FILLED_S),))


@pytest.mark.fires("D05")
def test_orders_at_three_prices_pulled_after_an_own_opposite_fill_are_one_episode() -> None:
    (one,) = episodes(pulled(layer()))
    assert (one.accounts, one.symbol) == (("S",), "BTCUSDT")
    assert (one.started_at, one.ended_at) == (microseconds(0), microseconds(FILLED_S + 1.4))
    assert one.known_at == one.ended_at
    measured = {name: one.measures[name] for name in ("orders", "levels", "cancel_share", "fill_share")}
    assert measured == {"orders": 3, "levels": 3, "cancel_share": 1.0, "fill_share": 0.0}
    assert one.measures["cancel_sync_ms"] == pytest.approx(400)
    assert one.measures["notional_usd"] == pytest.approx(20 * (101 + 102 + 103))
    assert one.measures["depth_share"] == pytest.approx(0.27)
    assert one.measures["filled_opposite_usd"] == 1_000
    assert [row for _, row, _, _ in one.evidence] == ["l0", "l1", "l2", "f", "l0", "l1", "l2"]


def test_two_orders_are_no_layer() -> None:
    assert episodes(pulled(layer(2, depth=0.4))) == []


def test_three_orders_at_two_prices_are_none() -> None:
    orders = layer()
    orders[2]["price"] = orders[1]["price"]
    assert episodes(pulled(orders)) == []


@pytest.mark.parametrize(("depths", "count"), [((0.1, 0.1, 0.05), 1), ((0.1, 0.1, 0.049), 0)])
def test_together_they_are_a_quarter_of_the_depth(depths: tuple[float, ...], count: int) -> None:
    orders = [o | {"depth_share": depth} for o, depth in zip(layer(), depths, strict=True)]
    assert len(episodes(pulled(orders))) == count


@pytest.mark.parametrize(("usd", "count"), [(500.0, 1), (501.0, 0)])
def test_without_depth_their_value_against_the_market_of_the_day_before_decides(usd: float, count: int) -> None:
    orders = [order(f"l{n}", n, price=100.0 + n, quantity=2501 / 3 / (100 + n), depth_share=None) for n in range(3)]
    usual = order("u", -86_400, account_id="M", quantity=usd / 100.0, depth_share=None)
    assert len(episodes([usual, *pulled(orders)])) == count
    assert episodes(pulled(orders)) == []


@pytest.mark.parametrize(("first_s", "count"), [(FILLED_S - 60, 1), (FILLED_S - 60.001, 0)])
def test_they_were_placed_within_a_minute_before_the_fill(first_s: float, count: int) -> None:
    orders = layer()
    orders[0]["ts"] = NOON + timedelta(seconds=first_s)
    assert len(episodes(pulled(orders))) == count


@pytest.mark.parametrize(("after_s", "count"), [(FILLED_S, 1), (FILLED_S + 10, 1), (FILLED_S + 10.001, 0)])
def test_they_are_pulled_within_ten_seconds_after_the_fill(after_s: float, count: int) -> None:
    assert len(episodes(pulled(layer(), after_s, apart_s=0))) == count


def test_orders_pulled_before_the_fill_are_none() -> None:
    assert episodes(pulled(layer(), FILLED_S - 1, apart_s=0.1)) == []


@pytest.mark.parametrize(("left", "count"), [(1, 1), (2, 0)])
def test_four_fifths_of_the_side_are_pulled(left: int, count: int) -> None:
    stays = [order(f"s{n}", 5.0, price=99.0 - n) for n in range(left)]
    assert len(episodes(pulled(layer(4)) + stays)) == count


@pytest.mark.parametrize(("quantity", "count"), [(3.0, 1), (4.0, 0)])
def test_hardly_anything_of_them_is_filled(quantity: float, count: int) -> None:
    own = fill("own", 10, taker_side="sell", taker_order_id="l1", quantity=quantity, notional_usd=quantity * 102)
    assert len(episodes(pulled(layer()), fill("f", FILLED_S), own)) == count


def test_a_fill_on_the_same_side_or_of_somebody_else_is_none() -> None:
    assert episodes(pulled(layer()), fill("f", FILLED_S, taker_side="sell")) == []
    assert episodes(pulled(layer()), fill("f", FILLED_S, taker_account_id="T")) == []


def test_a_fill_as_the_maker_counts_too() -> None:
    made = fill("f", FILLED_S, maker_account_id="S", taker_account_id="M", taker_side="sell")
    assert len(episodes(pulled(layer()), made)) == 1


@pytest.mark.spares("D05")
def test_a_ladder_that_stands_on_both_sides_is_none() -> None:
    bids = [order(f"b{n}", float(n), side="buy", price=99.0 - n, quantity=20.0, depth_share=0.09) for n in range(3)]
    assert episodes(pulled(layer()) + pulled(bids)) == []


@pytest.mark.spares("D05")
def test_a_ladder_that_rested_for_hours_is_none() -> None:
    assert episodes(pulled([o | {"ts": o["ts"] - timedelta(hours=2)} for o in layer()])) == []


@pytest.mark.spares("D05")
def test_somebody_who_scales_in_and_keeps_the_orders_is_none() -> None:
    assert episodes(layer()) == []


@pytest.mark.parametrize("source", ["grid", "copy", "liquidation"])
def test_orders_of_an_engine_are_none(source: str) -> None:
    assert episodes(pulled(layer(source=source))) == []


def test_a_late_cancel_is_counted_from_when_it_is_known() -> None:
    orders = pulled(layer())
    late = NOON + timedelta(hours=1)
    (one,) = episodes([*orders[:-1], orders[-1] | {"ingested_at": late}])
    assert one.known_at == int(late.timestamp() * 1e6)


def test_a_cancel_that_arrives_late_changes_nothing_before_its_arrival() -> None:
    orders = pulled(layer(4))
    late = {"ingested_at": NOON + timedelta(hours=1)}
    (before,) = episodes(pulled(layer(4)[:3]))
    # The fourth order was placed in time and seemed to stay: three of four pulled are not enough until it is known.
    (after,) = episodes([*orders[:-1], orders[-1] | late])
    assert after.known_at == int(late["ingested_at"].timestamp() * 1e6)
    unknown = [orders[3] | late, orders[7] | late]
    (same,) = episodes([*orders[:3], *orders[4:7], *unknown])
    assert (same.known_at, same.measures) == (before.known_at, before.measures)
