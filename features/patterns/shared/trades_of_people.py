"""The trades of chosen accounts, exact and marked where the platform's own engines traded for them."""

from typing import Any

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import DAY_US
from features.kernel.units import MICRO

# Fills `trades_of_people` from `people_asked` (account_id): the trades in which one of them took part, liquidations
# apart, with base quantity in units of 1e-8, volume in micro-USD, `first_grid` (the first daily run that sees it, in
# days since 1970), and whether that run knew an order of an engine behind it: what engines do, nobody intends.
# The activity of an engine never changes: the orders are looked through once for all patterns.
TRADES_OF_PEOPLE = """
CREATE TEMP TABLE IF NOT EXISTS engine_orders AS
SELECT order_id, min(known_from) AS known FROM order_events
WHERE event = 'new' AND source IN ('copy', 'grid', 'liquidation') GROUP BY order_id;
CREATE OR REPLACE TEMP TABLE trades_of_people AS
WITH theirs AS (
    SELECT * FROM trades
    WHERE NOT liquidation AND (maker_account_id IN (SELECT account_id FROM people_asked)
                               OR taker_account_id IN (SELECT account_id FROM people_asked)))
SELECT t.trade_id, t.ts, t.known_from, t.symbol, t.product, t.maker_account_id, t.taker_account_id, t.taker_side,
       in_128_bits(t.quantity * 100000000) AS units,
       micro_usd(t.notional_usd) AS volume,
       (greatest(t.ts + 1, t.known_from) + $day - 1) // $day AS first_grid,
       coalesce(least(m.known, k.known) <= first_grid * $day, false) AS by_engine
FROM theirs AS t LEFT JOIN engine_orders AS m ON m.order_id = t.maker_order_id
LEFT JOIN engine_orders AS k ON k.order_id = t.taker_order_id
"""


def find_trades_of_people(engine: DuckDBEngine) -> None:
    """Gives the engine `trades_of_people`, the trades of the accounts in `people_asked`."""
    engine.connection.execute(filled(TRADES_OF_PEOPLE, day=DAY_US))


def sold(trade: dict[str, Any]) -> str:
    """Who sold how much to whom, of a trade with maker, taker, taker_side and volume in micro-USD.

    >>> sold({"maker": "M", "taker": "T", "taker_side": "buy", "volume": 5_000_000})
    'M sold 5 USD to T'
    """
    sides = (trade["maker"], trade["taker"])
    seller, buyer = sides if trade["taker_side"] == "buy" else sides[::-1]
    return f"{seller} sold {float(trade['volume']) / MICRO:,.0f} USD to {buyer}"
