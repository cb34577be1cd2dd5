"""A market written by hand: trades between named accounts, and a crowd that gives chance something to compare with."""

from datetime import timedelta
from typing import Any

import pandas as pd

from features.activity.snapshot import Activity
from features.engines.duckdb import DuckDBEngine
from features.patterns.shared.episode import Episode, Pattern
from tests.features.legs import engine_with_legs

DAY = pd.Timestamp("2025-05-30", tz="UTC")
MIDNIGHT_US = int((DAY + timedelta(days=1)).timestamp() * 1e6)


def sale(seller: str, buyer: str, at: pd.Timestamp, quantity: float = 1.0, **given: Any) -> dict[str, Any]:
    """One trade in which the buyer takes, of 100 USD a unit."""
    return {
        "ts": at,
        "symbol": "BTCUSDT",
        "product": "spot",
        "price": 100.0,
        "quantity": quantity,
        "notional_usd": 100.0 * quantity,
        "maker_account_id": seller,
        "taker_account_id": buyer,
        "taker_side": "buy",
        "maker_effect": "none",
        "taker_effect": "none",
        "maker_fee_usd": 0.0,
        "taker_fee_usd": 0.1,
        "liquidation": False,
        **given,
    }


def crowd(people: int, **given: Any) -> list[dict[str, Any]]:
    """Everybody sells to the next three, early in the day: six trades each, no pair more than once."""
    meetings = [(n, (n + step) % people) for n in range(people) for step in (1, 2, 3)]
    return [
        sale(f"c{seller}", f"c{buyer}", DAY + timedelta(minutes=number), **given)
        for number, (seller, buyer) in enumerate(meetings)
    ]


def circles(
    members: tuple[str, ...], rounds: int, quantity: float = 10.0, start: timedelta = timedelta(hours=12), **given: Any
) -> list[dict[str, Any]]:
    """Every member sells to the next one, round after round, a minute apart."""
    legs = [(members[n], members[(n + 1) % len(members)]) for _ in range(rounds) for n in range(len(members))]
    return [
        sale(seller, buyer, DAY + start + timedelta(minutes=number), quantity, **given)
        for number, (seller, buyer) in enumerate(legs)
    ]


def both_ways(who: tuple[str, ...], others: int, start: timedelta) -> list[dict[str, Any]]:
    """Each buys from and sells to so many others of the crowd, one unit a minute."""
    return [
        trade
        for n in range(others)
        for one in who
        for trade in (
            sale(one, f"c{n}", DAY + start + timedelta(minutes=n)),
            sale(f"c{n}", one, DAY + start + timedelta(minutes=n, seconds=30)),
        )
    ]


def frame(trades: list[dict[str, Any]]) -> pd.DataFrame:
    """The trades as a table, numbered in the order given unless they bring an id."""
    return pd.DataFrame([{"trade_id": f"t{number}", **trade} for number, trade in enumerate(trades)])


def accounts(names: set[str], makers: tuple[str, ...] = (), house: tuple[str, ...] = ()) -> pd.DataFrame:
    """Accounts that exist from long before; `makers` have an agreement, those of `house` one declared owner."""
    return pd.DataFrame(
        [
            {
                "account_id": name,
                "created_at": DAY - timedelta(days=90),
                "kind": "retail",
                "country": "ZZ",
                "market_maker": name in makers,
                "owner_id": "house" if name in house else None,
            }
            for name in sorted(names)
        ]
    )


def floor(
    trades: list[dict[str, Any]],
    makers: tuple[str, ...] = (),
    orders: list[dict[str, Any]] | None = None,
    house: tuple[str, ...] = (),
) -> DuckDBEngine:
    """An engine over these trades."""
    rows = frame(trades)
    people = accounts(set(rows["maker_account_id"]) | set(rows["taker_account_id"]), makers, house)
    tables = {"trades": rows, "accounts": people}
    if orders:
        tables["order_events"] = pd.DataFrame(orders)
    return engine_with_legs(Activity.from_frames(tables))


def found(pattern: Pattern, engine: DuckDBEngine) -> list[Episode]:
    """What the pattern finds."""
    return list(pattern.detect(engine, pattern.settings))


def placed(order_id: str, account: str, source: str, at: pd.Timestamp) -> dict[str, Any]:
    """An order from this source."""
    return {
        "order_id": order_id,
        "account_id": account,
        "ts": at,
        "event": "new",
        "symbol": "BTCUSDT",
        "product": "spot",
        "order_type": "limit",
        "side": "buy",
        "price": 100.0,
        "quantity": 1.0,
        "effect": "none",
        "source": source,
    }
