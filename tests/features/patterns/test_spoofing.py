"""Spoofing: a large order cancelled around an own fill on the other side, and what only looks like one."""

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from features.activity.snapshot import Activity
from features.engines import DuckDBEngine
from features.patterns.episode import Episode
from features.patterns.spoofing import SPOOFING

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
    return list(SPOOFING.detect(DuckDBEngine(activity), SPOOFING.settings))


@pytest.mark.parametrize("filled_s", [2.0, 7.0], ids=["cancelled after the fill", "cancelled before the fill"])
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


@pytest.mark.parametrize(("life_s", "found"), [(30.0, 1), (30.001, 0)])
def test_a_spoof_lives_at_most_half_a_minute(life_s: float, found: int) -> None:
    filled = PLACED + timedelta(seconds=life_s - 1)
    assert len(episodes(usual() + spoof(life_s), [fill(filled, "buy")])) == found


def test_a_fill_on_the_same_side_is_none() -> None:
    assert episodes(usual() + spoof(4.0), [fill(PLACED + timedelta(seconds=2), "sell")]) == []


def test_an_order_of_the_usual_size_is_none() -> None:
    orders = usual(usd=20 * USUAL_USD) + spoof(4.0)
    assert episodes(orders, [fill(PLACED + timedelta(seconds=2), "buy")]) == []


def test_an_order_that_is_small_for_the_market_is_none() -> None:
    orders = usual() + usual("whale", 100 * USUAL_USD) + spoof(4.0)
    assert episodes(orders, [fill(PLACED + timedelta(seconds=2), "buy")]) == []


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
