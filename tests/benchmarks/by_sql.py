"""The SQL contender: the plain features at one moment, as a good engineer writes them by hand for DuckDB."""

import sys
from pathlib import Path

import duckdb
import pandas as pd

from tests.benchmarks.measuring import REPEATS, Report
from tests.benchmarks.plain import AS_OF_US, NAMES

DAY_US = 86_400_000_000
TABLES = ("accounts", "order_events", "trades", "sessions", "transfers")

# What our facts are to us: rows read once, both clocks as integers, orders with their first known cancel and fill.
PREPARED = """
CREATE MACRO known(ts, ingested_at) AS greatest(coalesce(epoch_us(ingested_at), epoch_us(ts)), epoch_us(ts));

CREATE TABLE fills AS
SELECT maker_account_id AS account_id, epoch_us(ts) AS ts, known(ts, ingested_at) AS known_from,
       taker_account_id AS counterparty, symbol, true AS maker, notional_usd AS notional, maker_fee_usd AS fee
FROM trades
UNION ALL
SELECT taker_account_id, epoch_us(ts), known(ts, ingested_at), maker_account_id, symbol, false, notional_usd,
       taker_fee_usd
FROM trades;

CREATE TABLE orders AS
WITH cancels AS (
    SELECT order_id, min(known(ts, ingested_at)) AS cancelled_known_at,
           arg_min(epoch_us(ts), (known(ts, ingested_at), ts)) AS cancelled_at
    FROM order_events WHERE event = 'cancel' GROUP BY order_id
), touched AS (
    SELECT maker_order_id AS order_id, ts, ingested_at FROM trades WHERE maker_order_id IS NOT NULL
    UNION ALL
    SELECT taker_order_id, ts, ingested_at FROM trades WHERE taker_order_id IS NOT NULL
), filled AS (
    SELECT order_id, min(known(ts, ingested_at)) AS filled_known_at,
           arg_min(epoch_us(ts), (known(ts, ingested_at), ts)) AS filled_at
    FROM touched GROUP BY order_id
)
SELECT account_id, epoch_us(ts) AS ts, known(ts, ingested_at) AS known_from, price * quantity AS notional,
       side = 'buy' AS buy, depth_share,
       order_type IS DISTINCT FROM 'market' AND source NOT IN ('copy', 'grid', 'liquidation') AS resting,
       cancelled_at, cancelled_known_at, filled_at, filled_known_at
FROM order_events LEFT JOIN cancels USING (order_id) LEFT JOIN filled USING (order_id) WHERE event = 'new';

CREATE TABLE flows AS
SELECT account_id, epoch_us(ts) AS ts, known(ts, ingested_at) AS known_from, amount_usd AS amount,
       direction IN ('deposit', 'internal_in') AS inward, counterparty_type
FROM transfers;

CREATE TABLE visits AS
SELECT account_id, epoch_us(ts) AS ts, known(ts, ingested_at) AS known_from, ip, ip_country,
       asn_type = 'hosting' AS hosting
FROM sessions;

CREATE TABLE everybody AS SELECT DISTINCT account_id FROM accounts;
"""

PLAIN = """
WITH trading AS (
    SELECT account_id,
           count(*) FILTER (ts >= $week) AS trades_n_7d,
           sum(notional) FILTER (ts >= $day) AS volume_usd_1d,
           sum(notional) AS volume_usd_30d,
           count(DISTINCT symbol) AS symbols_n_30d,
           sum(notional) FILTER (maker) / greatest(sum(notional), 1e-6) AS maker_share_30d,
           sum(notional) / greatest(sum(fee), 1) AS volume_to_fees_30d,
           count(DISTINCT counterparty) FILTER (ts >= $week) AS counterparties_n_7d
    FROM fills WHERE ts >= $month AND ts < $now AND known_from <= $now GROUP BY account_id
), ordering AS (
    SELECT account_id,
           count(*) FILTER (ts >= $day) AS orders_n_1d,
           count(*) AS orders_n_7d,
           count(*) FILTER (cancelled_at < $now AND cancelled_known_at <= $now) / count(*) AS cancel_ratio_7d,
           count(*) FILTER (filled_at < $now AND filled_known_at <= $now) / count(*) AS fill_ratio_7d,
           median(cancelled_at - ts) FILTER (cancelled_at < $now AND cancelled_known_at <= $now) / 1e6
               AS order_life_median_s_7d,
           quantile_cont(notional, .95) AS order_size_p95_usd_7d,
           max(depth_share) FILTER (resting) AS order_depth_share_max_7d,
           sum(notional) FILTER (buy) / greatest(sum(notional), 1e-6) AS buy_order_share_7d
    FROM orders WHERE ts >= $week AND ts < $now AND known_from <= $now GROUP BY account_id
), moving AS (
    SELECT account_id,
           coalesce(sum(amount) FILTER (inward AND ts >= $week), 0) AS in_usd_7d,
           coalesce(sum(amount) FILTER (NOT inward AND ts >= $week), 0) AS out_usd_7d,
           least(in_usd_7d, out_usd_7d) / greatest(in_usd_7d, out_usd_7d, 1e-6) AS pass_through_7d,
           sum(amount) FILTER (counterparty_type = 'self_hosted') / greatest(sum(amount), 1e-6) AS self_hosted_share_30d
    FROM flows WHERE ts >= $month AND ts < $now AND known_from <= $now GROUP BY account_id
), visiting AS (
    SELECT account_id,
           count(*) FILTER (ts >= $week) AS sessions_n_7d,
           count(DISTINCT ip) AS ips_n_30d,
           count(*) FILTER (hosting) / count(*) AS hosting_share_30d
    FROM visits WHERE ts >= $month AND ts < $now AND known_from <= $now GROUP BY account_id
), countries AS (
    SELECT account_id, log2(sum(n)) - sum(n * log2(n)) / sum(n) AS country_entropy_30d
    FROM (SELECT account_id, ip_country, count(*) AS n FROM visits
          WHERE ts >= $month AND ts < $now AND known_from <= $now GROUP BY ALL)
    GROUP BY account_id
)
SELECT account_id, coalesce(COLUMNS(* EXCLUDE (account_id)), 0)
FROM everybody LEFT JOIN trading USING (account_id) LEFT JOIN ordering USING (account_id)
LEFT JOIN moving USING (account_id) LEFT JOIN visiting USING (account_id) LEFT JOIN countries USING (account_id)
ORDER BY account_id
"""


def prepare(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Reads the columns that the features need into tables."""
    for name in TABLES:
        connection.read_parquet(str(folder / f"{name}.parquet")).create_view(name)
    connection.execute(PREPARED)


def plain(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The features of every account at one moment."""
    moments = {name: AS_OF_US - days * DAY_US for name, days in {"now": 0, "day": 1, "week": 7, "month": 30}.items()}
    values: pd.DataFrame = connection.sql(PLAIN, params=moments).to_arrow_table().to_pandas()
    return values


def main(folder: Path, out: Path) -> None:
    """Measures both steps and leaves the values."""
    report = Report()
    with duckdb.connect() as connection:
        report.step("prepare", lambda: prepare(connection, folder))
        values = report.step("moment", lambda: plain(connection), REPEATS)
    report.write(out, "sql", moment=values.set_index("account_id")[list(NAMES)].astype(float))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
