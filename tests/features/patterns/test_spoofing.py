"""Spoofing: a large order cancelled around an own fill on the other side, and what only looks like one."""

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from features.activity.snapshot import Activity
from features.patterns.shared.episode import Episode
from features.patterns.spoofing import SPOOFING
from tests.features.legs import engine_with_legs

PLACED = pd.Timestamp("2025-05-30T10:00:00Z")
USUAL_USD, PRICE = 1_000.0, 100.0


def event(order_id: str, at: pd.Timestamp, kind: str, side: str, usd: float, account: str = "S") -> dict[str, Any]:
    """An order event."""
    return {
        "order_id": order_id,
        "account_id": account,
        "ts": at,
        "event": kind,
        "symbol": "BTCUSDT",
        "product": "spot",
        "order_type": "limit",
        "side": side,
        "price": PRICE,
        "quantity": usd / PRICE if kind == "new" else 0.0,
        "effect": "none",
        "source": "api",
        "depth_share": 0.3 if usd >= 10 * USUAL_USD else 0.01,
    }


def fill(at: pd.Timestamp, taker_side: str, trade_id: str = "f") -> dict[str, Any]:
    """A trade in which S takes."""
    return {
        "trade_id": trade_id,
        "ts": at,
        "symbol": "BTCUSDT",
        "product": "spot",
        "price": PRICE,
        "quantity": 10.0,
        "notional_usd": 1_000.0,
        "maker_account_id": "M",
        "taker_account_id": "S",
        "taker_side": taker_side,
        "maker_effect": "none",
        "taker_effect": "none",
        "maker_fee_usd": 0.0,
        "taker_fee_usd": 0.5,
        "liquidation": False,
    }


def usual(account: str = "S", usd: float = USUAL_USD) -> list[dict[str, Any]]:
    """A week in which the account placed orders of one size."""
    days = [PLACED - timedelta(days=day) for day in range(1, 6)]
    return [event(f"u{account}{n}", at, "new", "buy", usd, account) for n, at in enumerate(days)]


def spoof(life_s: float, usd: float = 20 * USUAL_USD) -> list[dict[str, Any]]:
    """A large sell order cancelled after so long."""
    cancelled = PLACED + timedelta(seconds=life_s)
    return [event("big", PLACED, "new", "sell", usd), event("big", cancelled, "cancel", "sell", usd)]


def episodes(orders: list[dict[str, Any]], trades: list[dict[str, Any]]) -> list[Episode]:
    """What the detector finds."""
    activity = Activity.from_frames({"order_events": pd.DataFrame(orders), "trades": pd.DataFrame(trades)})
    return list(SPOOFING.detect(engine_with_legs(activity), SPOOFING.settings))


@pytest.mark.parametrize("filled_s", [2.0, 7.0], ids=["cancelled after the fill", "cancelled before the fill"])
@pytest.mark.fires("D04")
def test_an_order_cancelled_shortly_before_or_after_an_own_opposite_fill_is_one_episode(filled_s: float) -> None:
    filled = PLACED + timedelta(seconds=filled_s)
    (found,) = episodes(usual() + spoof(4.0), [fill(filled, "buy")])
    assert found.accounts == ("S",)
    assert found.measures["cancel_after_fill_s"] == pytest.approx(4.0 - filled_s)
    assert found.measures["size_to_own_median"] == pytest.approx(20.0)
    assert found.known_at == int(max(filled, PLACED + timedelta(seconds=4)).timestamp() * 1e6)
    assert [(table, row) for table, row, _, _ in found.evidence] == [
        ("order_events", "big"),
        ("trades", "f"),
        ("order_events", "big"),
    ]


@pytest.mark.parametrize(("filled_s", "found"), [(9.0, 1), (9.001, 0), (-0.001, 0)])
def test_the_fill_is_within_five_seconds_of_the_cancel_and_never_before_the_order(filled_s: float, found: int) -> None:
    assert len(episodes(usual() + spoof(4.0), [fill(PLACED + timedelta(seconds=filled_s), "buy")])) == found


@pytest.mark.parametrize(
    ("trades_before", "life_s", "found"),
    [(1440, 30.0, 1), (1440, 30.001, 0), (1439, 30.001, 1), (1439, 120.0, 1), (1439, 120.001, 0)],
)
def test_a_spoof_lives_half_a_minute_or_two_where_hardly_anybody_trades(
    trades_before: int, life_s: float, found: int
) -> None:
    day_before = [
        fill(PLACED - timedelta(days=1, seconds=n), "buy", f"b{n}") | {"taker_account_id": "T"}
        for n in range(trades_before)
    ]
    filled = PLACED + timedelta(seconds=life_s - 1)
    assert len(episodes(usual() + spoof(life_s), [fill(filled, "buy"), *day_before])) == found


def test_an_order_cancelled_long_after_the_first_of_several_fills_is_none() -> None:
    first, second = (fill(PLACED + timedelta(seconds=after), "buy", f"f{after}") for after in (2, 8))
    assert episodes(usual() + spoof(7.001), [first, second]) == []
    (found,) = episodes(usual() + spoof(7.0), [first, second])
    # The fill after the cancel is not known when the episode is.
    assert (found.measures["filled_opposite_usd"], found.measures["size_ratio"]) == (1_000.0, 20.0)


def test_an_account_without_history_is_judged_by_market_and_depth() -> None:
    somebody = usual("T")
    assert len(episodes(somebody + spoof(4.0), [fill(PLACED + timedelta(seconds=2), "buy")])) == 1
    without_depth = [row | {"depth_share": None} for row in somebody + spoof(4.0)]
    assert episodes(without_depth, [fill(PLACED + timedelta(seconds=2), "buy")]) == []


def test_an_exchange_without_depth_is_judged_by_the_two_other_sizes() -> None:
    orders = [row | {"depth_share": None} for row in usual() + spoof(4.0)]
    assert len(episodes(orders, [fill(PLACED + timedelta(seconds=2), "buy")])) == 1


@pytest.mark.parametrize(("usd", "found"), [(9_990.0, 1), (10_000.0, 0)])
def test_who_pulls_half_as_much_on_the_other_side_quotes(usd: float, found: int) -> None:
    other = [
        event("bid", PLACED, "new", "buy", usd),
        event("bid", PLACED + timedelta(seconds=6), "cancel", "buy", usd),
    ]
    known_last = fill(PLACED + timedelta(seconds=7), "buy")
    assert len(episodes(usual() + spoof(4.0) + other, [known_last])) == found


@pytest.mark.parametrize(("others", "found"), [(4, 1), (5, 0)])
@pytest.mark.spares("D04")
def test_an_order_pulled_while_everybody_pulls_is_none(others: int, found: int) -> None:
    fled = [
        event(f"p{n}", PLACED + timedelta(seconds=n / 10), "cancel", "sell", USUAL_USD, f"A{n}") for n in range(others)
    ]
    # Two cancels on the day before are far fewer than these in a minute.
    calm = [event(f"c{n}", PLACED - timedelta(days=1), "cancel", "sell", USUAL_USD, "A") for n in range(2)]
    assert len(episodes(usual() + calm + fled + spoof(4.0), [fill(PLACED + timedelta(seconds=2), "buy")])) == found


def test_where_the_touch_is_known_distance_and_price_gain_are_measured() -> None:
    placed, cancelled = spoof(4.0)
    touch = {"best_bid": 98.0, "best_ask": 99.0}
    bought = fill(PLACED + timedelta(seconds=2), "buy") | {"price": 98.01}
    (found,) = episodes([*usual(), placed | touch, cancelled], [bought])
    assert found.measures["distance_bp"] == pytest.approx(1 / 99 * 10_000)
    assert found.measures["price_gain_bp"] == pytest.approx(0.99 / 99 * 10_000)


def test_a_fill_that_arrives_late_and_was_the_first_changes_nothing_before() -> None:
    known = fill(PLACED + timedelta(seconds=8), "buy", "known")
    late = fill(PLACED + timedelta(seconds=1), "buy", "late") | {"ingested_at": PLACED + timedelta(hours=1)}
    (before,) = episodes(usual() + spoof(9.0), [known])
    (after,) = episodes(usual() + spoof(9.0), [known, late])
    assert (after.known_at, after.measures) == (before.known_at, before.measures)


def test_a_fill_on_the_same_side_is_none() -> None:
    assert episodes(usual() + spoof(4.0), [fill(PLACED + timedelta(seconds=2), "sell")]) == []


def test_an_order_of_the_usual_size_is_none() -> None:
    orders = usual(usd=20 * USUAL_USD) + spoof(4.0)
    assert episodes(orders, [fill(PLACED + timedelta(seconds=2), "buy")]) == []


def test_an_order_that_is_small_for_the_market_is_none() -> None:
    orders = usual() + usual("whale", 100 * USUAL_USD) + spoof(4.0)
    assert episodes(orders, [fill(PLACED + timedelta(seconds=2), "buy")]) == []


@pytest.mark.spares("D04")
def test_a_market_maker_that_quotes_large_on_both_sides_every_day_is_none() -> None:
    quotes = [
        event(f"q{day}{side}", PLACED - timedelta(days=day), "new", side, 20 * USUAL_USD)
        for day in range(1, 6)
        for side in ("buy", "sell")
    ]
    both = [
        event(f"now{side}", PLACED + timedelta(seconds=after), kind, side, 20 * USUAL_USD)
        for side in ("buy", "sell")
        for kind, after in (("new", 0), ("cancel", 4))
    ]
    assert episodes(quotes + both, [fill(PLACED + timedelta(seconds=2), "buy")]) == []


@pytest.mark.spares("D04")
def test_an_order_that_was_filled_itself_was_meant() -> None:
    own = fill(PLACED + timedelta(seconds=1), "sell", "own") | {"taker_order_id": "big", "quantity": 100.0}
    assert (
        episodes(usual() + spoof(4.0), [fill(PLACED + timedelta(seconds=2), "buy") | {"taker_order_id": None}, own])
        == []
    )


@pytest.mark.parametrize("source", ["copy", "grid", "liquidation"])
def test_an_order_that_an_engine_placed_is_none(source: str) -> None:
    orders = [row | {"source": source} for row in usual() + spoof(4.0)]
    assert episodes(orders, [fill(PLACED + timedelta(seconds=2), "buy")]) == []


def test_an_episode_is_known_once_its_last_row_is() -> None:
    late = PLACED + timedelta(hours=1)
    trade = fill(PLACED + timedelta(seconds=2), "buy") | {"ingested_at": late}
    (found,) = episodes(usual() + spoof(4.0), [trade])
    assert found.known_at == int(late.timestamp() * 1e6)
