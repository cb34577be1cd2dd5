"""The SQL that the order patterns share: whose orders count, and the market of a day before.

Orders of the platform's own engines (copy, grid, liquidation) are nobody's intent and are left out everywhere.
"""

from features.engines.duckdb import DuckDBEngine
from features.kernel.moments import DAY_US, MINUTE_US

OF_PEOPLE = "source NOT IN ('copy', 'grid', 'liquidation')"
RESTING = f"event = 'new' AND {OF_PEOPLE} AND coalesce(order_type, 'limit') = 'limit'"
MICRO_USD = "micro_usd(price * quantity)"

# What a day is compared with is the day before, as far as it was known when the day began: late rows change nothing.
MARKET = f"""
SELECT o.*, coalesce(t.trades, 0) AS trades FROM (
    SELECT symbol, product, ts // {DAY_US} + 1 AS day, count(*) FILTER (event = 'cancel') AS cancels,
           CAST(sum({MICRO_USD}) FILTER ({RESTING}) AS DOUBLE) / count(*) FILTER ({RESTING}) AS mean_micro
    FROM order_events WHERE known_from <= (ts // {DAY_US} + 1) * {DAY_US} GROUP BY ALL) AS o
LEFT JOIN (
    SELECT symbol, product, ts // {DAY_US} + 1 AS day, count(*) AS trades
    FROM trades WHERE known_from <= (ts // {DAY_US} + 1) * {DAY_US} GROUP BY ALL) AS t USING (symbol, product, day)
"""


def steps(engine: DuckDBEngine, named: dict[str, str]) -> None:
    """Runs queries one after another, each as a temporary table of that name which the later ones may read."""
    for name, sql in named.items():
        engine.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")


def forget(engine: DuckDBEngine, named: dict[str, str]) -> None:
    """Drops the temporary tables of `steps`."""
    for name in named:
        engine.connection.execute(f"DROP TABLE {name}")


def minutes_between(first: str, last: str) -> str:
    """SQL for one row a clock minute from one moment to another, to join two things near in time by equality."""
    return f"unnest(generate_series(({first}) // {MINUTE_US}, ({last}) // {MINUTE_US}))"
