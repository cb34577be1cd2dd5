"""Hand-written order books for the tests of the order patterns: events and trades of one account on one symbol."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pandas as pd

from features.activity.snapshot import Activity
from features.facts.orders import CANCELS
from features.patterns.shared.episode import Episode, Pattern
from tests.features.legs import engine_with_legs

NOON = pd.Timestamp("2025-05-30T12:00:00Z")
PRICE = 100.0
Row = dict[str, Any]


def order(number: str, after_s: float, **changes: Any) -> Row:
    """An order of account S for 1,000 USD, so many seconds after noon."""
    return {
        "order_id": number,
        "account_id": "S",
        "ts": NOON + timedelta(seconds=after_s),
        "event": "new",
        "symbol": "BTCUSDT",
        "product": "spot",
        "order_type": "limit",
        "side": "sell",
        "price": PRICE,
        "quantity": 10.0,
        "effect": "none",
        "source": "api",
        "depth_share": 0.01,
    } | changes


def cancel(placed: Row, after_s: float, **changes: Any) -> Row:
    """The cancel of an order, so many seconds after noon."""
    return placed | {"event": "cancel", "quantity": 0.0, "ts": NOON + timedelta(seconds=after_s)} | changes


def fill(number: str, after_s: float, **changes: Any) -> Row:
    """A trade in which S buys 1,000 USD as the taker."""
    return {
        "trade_id": number,
        "ts": NOON + timedelta(seconds=after_s),
        "symbol": "BTCUSDT",
        "product": "spot",
        "price": PRICE,
        "quantity": 10.0,
        "notional_usd": 1_000.0,
        "maker_account_id": "M",
        "taker_account_id": "S",
        "maker_order_id": None,
        "taker_order_id": None,
        "taker_side": "buy",
        "maker_effect": "none",
        "taker_effect": "none",
        "maker_fee_usd": 0.0,
        "taker_fee_usd": 0.5,
        "liquidation": False,
    } | changes


def found(pattern: Pattern, orders: Iterable[Row], trades: Iterable[Row] = ()) -> list[Episode]:
    """What the pattern finds in them."""
    tables = {"order_events": pd.DataFrame(list(orders))}
    if trades := list(trades):
        tables["trades"] = pd.DataFrame(trades)
    engine = engine_with_legs(Activity.from_frames(tables))
    engine.create_fact(CANCELS.writes, CANCELS.rows)
    return list(pattern.detect(engine, pattern.settings))


def microseconds(after_s: float) -> int:
    """So many seconds after noon, as an episode gives its times."""
    return int((NOON + timedelta(seconds=after_s)).timestamp() * 1e6)
