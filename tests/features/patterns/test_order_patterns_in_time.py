"""No order pattern knows the future: what is known by a moment is what is found in the activity cut at it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.activity.snapshot import Activity
from features.facts.orders import CANCELS
from features.patterns.excessive_cancels import EXCESSIVE_CANCELS
from features.patterns.layering import LAYERING
from features.patterns.machine_speed import MACHINE_SPEED
from features.patterns.quote_stuffing import QUOTE_STUFFING
from features.patterns.shared.episode import Episode, Pattern
from features.patterns.spoofing import SPOOFING
from tests.features.legs import engine_with_legs
from tests.features.patterns.books import NOON, PRICE, Row, cancel, fill, order

# Small numbers, so that a crowded half hour on two days shows every pattern.
EASIER: tuple[tuple[Pattern, Mapping[str, Any]], ...] = (
    (SPOOFING, {"size_to_own_median": 1, "size_to_market_mean": 1, "two_sided_share": 9}),
    (
        LAYERING,
        {"orders": 2, "levels": 1, "depth_share": 0.1, "cancel_share": 0.4, "fill_share": 0.8, "two_sided_share": 9},
    ),
    (QUOTE_STUFFING, {"orders_per_minute": 4, "cancel_share": 0.5, "life_s": 20}),
    (EXCESSIVE_CANCELS, {"cancels": 10}),
    (MACHINE_SPEED, {"orders_per_second": 1, "sustained_s": 3}),
)
DELAYS_S = np.array([0, 0, 0, 0, 0, 0.4, 2, 60, 4_000, 90_000])


def crowded(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Orders, cancels and fills of four accounts within minutes of two noons, a good half of them late."""
    random = np.random.default_rng(seed)
    orders: list[Row] = []
    trades: list[Row] = []
    for n in range(700):
        at = float(random.integers(0, 2)) * 86_400 + random.uniform(0, 240)
        side, source = random.choice(["buy", "sell"]), random.choice(["web", "web", "api", "grid"])
        who, depth = f"S{random.integers(0, 3)}", random.uniform(0.05, 0.4)
        price = PRICE + random.integers(0, 4)
        placed = order(f"o{n}", at, account_id=who, side=side, source=source, price=price, depth_share=depth)
        orders.append(placed | {"quantity": random.uniform(1, 20)} | late(random, at))
        if random.random() < 0.8:
            gone = at + random.exponential(6)
            orders.append(cancel(placed, gone, **late(random, gone)))
        if random.random() < 0.5:
            done = at + random.exponential(6)
            mine = {"taker_account_id": who, "taker_side": random.choice(["buy", "sell"])}
            trades.append(fill(f"t{n}", done, **mine, **late(random, done)) | {"taker_order_id": f"o{n}"})
    return pd.DataFrame(orders), pd.DataFrame(trades)


def late(random: np.random.Generator, at: float) -> Row:
    """When a row that happened then is learned of."""
    return {"ingested_at": NOON + timedelta(seconds=at + float(random.choice(DELAYS_S)))}


def episodes(
    pattern: Pattern, easier: Mapping[str, Any], orders: pd.DataFrame, trades: pd.DataFrame, moment: pd.Timestamp
) -> list[Episode]:
    """The episodes known by the moment."""
    engine = engine_with_legs(Activity.from_frames({"order_events": orders, "trades": trades}))
    engine.create_fact(CANCELS.writes, CANCELS.rows)
    every = pattern.detect(engine, {**pattern.settings, **easier})
    by_then = [one for one in every if one.known_at <= moment.value // 1_000]
    return sorted(by_then, key=lambda one: (one.known_at, one.episode_id))


@pytest.mark.parametrize(("pattern", "easier"), EASIER, ids=[pattern.name for pattern, _ in EASIER])
def test_what_is_known_by_a_moment_is_what_is_found_at_it(pattern: Pattern, easier: Mapping[str, Any]) -> None:
    orders, trades = crowded(seed=11)
    for after_s in (130.3, 4_050.0, 86_530.7, 86_400 + 12 * 3_600 + 5.0):
        moment = NOON + timedelta(seconds=after_s)
        past_orders, past_trades = (
            rows[(rows["ts"] < moment) & (rows["ingested_at"] <= moment)] for rows in (orders, trades)
        )
        whole = episodes(pattern, easier, orders, trades, moment)
        assert whole == episodes(pattern, easier, past_orders, past_trades, moment)
    assert whole, f"nothing was found of {pattern.name}, so nothing was compared"
