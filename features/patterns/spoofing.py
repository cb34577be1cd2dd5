"""D04 spoofing: a large order on one side, cancelled around the account's own fill on the other side.

Condition 6 of the card (a favourable move) is left out: the schema's quotes are snapshots, too sparse for seconds.
Where an order's `depth_share` is missing, its size against medians decides alone.
"""

from collections.abc import Iterator
from pathlib import Path

from features.engines import DuckDBEngine
from features.patterns.episode import Episode, Pattern
from features.thresholds import Settings

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US

PLACED = """
CREATE OR REPLACE TEMP TABLE spoof_placed AS
SELECT order_id, account_id, symbol, side, ts, known_from, quantity, price * quantity AS notional, depth_share,
       ts // $day AS day
FROM order_events
WHERE event = 'new' AND source NOT IN ('copy', 'grid', 'liquidation') AND coalesce(order_type, 'limit') = 'limit'
"""

# Medians and means are those of earlier days, from what was known when the day began: a late row changes no past day.
LARGE = """
CREATE OR REPLACE TEMP TABLE spoof_large AS
WITH suspects AS (SELECT DISTINCT account_id, symbol, day FROM spoof_placed WHERE coalesce(depth_share, 1) >= $depth),
market AS (
    SELECT p.symbol, d.day, avg(p.notional) AS mean_notional
    FROM (SELECT DISTINCT symbol, day FROM suspects) AS d
    JOIN spoof_placed AS p ON p.symbol = d.symbol AND p.day = d.day - 1 AND p.known_from <= d.day * $day
    GROUP BY ALL),
own AS (
    SELECT s.account_id, s.symbol, s.day, median(p.notional) AS median_notional
    FROM suspects AS s JOIN spoof_placed AS p
      ON p.account_id = s.account_id AND p.symbol = s.symbol AND p.day < s.day AND p.day >= s.day - $history
     AND p.known_from <= s.day * $day
    GROUP BY ALL)
SELECT p.*, p.notional / own.median_notional AS size_to_own
FROM spoof_placed AS p
JOIN own USING (account_id, symbol, day)
LEFT JOIN market USING (symbol, day)
WHERE coalesce(p.depth_share, 1) >= $depth
  AND p.notional >= $own * own.median_notional
  AND p.notional >= $mean * coalesce(market.mean_notional, 0)
"""

EPISODES = """
WITH cancelled AS (
    SELECT l.*, c.ts AS cancelled_at, greatest(l.known_from, c.known_from) AS cancel_known
    FROM spoof_large AS l JOIN order_events AS c ON c.order_id = l.order_id AND c.event = 'cancel'
    WHERE c.ts - l.ts BETWEEN 0 AND $life),
legs AS (
    SELECT trade_id, taker_account_id AS account_id, symbol, taker_side AS side, ts, known_from, notional_usd,
           taker_order_id AS order_id, quantity FROM trades
    UNION ALL
    SELECT trade_id, maker_account_id, symbol, CASE taker_side WHEN 'buy' THEN 'sell' ELSE 'buy' END, ts, known_from,
           notional_usd, maker_order_id, quantity FROM trades),
opposite AS (
    SELECT c.*, t.trade_id, t.ts AS filled_at, t.notional_usd, greatest(c.cancel_known, t.known_from) AS known_at
    FROM cancelled AS c JOIN legs AS t
      ON t.account_id = c.account_id AND t.symbol = c.symbol AND t.side <> c.side
     AND t.ts BETWEEN c.ts AND c.cancelled_at + $after
    WHERE c.cancelled_at - t.ts <= $after),
first AS (
    SELECT * FROM opposite
    QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY known_at, filled_at, trade_id) = 1),
filled AS (
    SELECT f.order_id FROM first AS f JOIN legs AS t ON t.order_id = f.order_id AND t.known_from <= f.known_at
    GROUP BY f.order_id, f.quantity HAVING sum(t.quantity) > $filled * f.quantity)
SELECT f.* FROM first AS f ANTI JOIN filled USING (order_id)
ORDER BY known_at, order_id
"""


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """Spoofing episodes, each known once order, cancel and opposite fill were known."""
    engine.connection.execute(PLACED.replace("$day", str(DAY_US)))
    parameters = {
        "$day": DAY_US,
        "$depth": settings["depth_share"],
        "$history": settings["history_days"],
        "$own": settings["size_to_own_median"],
        "$mean": settings["size_to_market_mean"],
        "$life": int(settings["life_s"] * SECOND_US),
        "$after": int(settings["cancel_after_fill_s"] * SECOND_US),
        "$filled": settings["fill_share"],
    }
    engine.connection.execute(_bound(LARGE, parameters))
    for row in engine.run(_bound(EPISODES, parameters)).to_pylist():
        life_s = (row["cancelled_at"] - row["ts"]) / SECOND_US
        yield Episode(
            pattern="spoofing",
            accounts=(row["account_id"],),
            symbol=row["symbol"],
            started_at=row["ts"],
            ended_at=max(row["cancelled_at"], row["filled_at"]),
            known_at=row["known_at"],
            measures={
                "notional_usd": row["notional"],
                "size_to_own_median": row["size_to_own"],
                "depth_share": row["depth_share"],
                "life_s": life_s,
                "cancel_after_fill_s": (row["cancelled_at"] - row["filled_at"]) / SECOND_US,
                "filled_opposite_usd": row["notional_usd"],
            },
            evidence=(
                (
                    "order_events",
                    row["order_id"],
                    row["ts"],
                    f"{row['side']} order of {row['notional']:,.0f} USD placed",
                ),
                ("trades", row["trade_id"], row["filled_at"], f"own fill of {row['notional_usd']:,.0f} USD opposite"),
                ("order_events", row["order_id"], row["cancelled_at"], f"the order cancelled after {life_s:.1f} s"),
            ),
        )


def _bound(sql: str, parameters: dict[str, float | int]) -> str:
    for name in sorted(parameters, key=len, reverse=True):
        sql = sql.replace(name, repr(parameters[name]))
    return sql


SPOOFING = Pattern(
    "spoofing",
    "D04",
    "5.3",
    "a large order on one side cancelled around an own fill on the other",
    Path(__file__).with_suffix(".yaml"),
    dict.fromkeys(
        (
            "notional_usd",
            "size_to_own_median",
            "depth_share",
            "life_s",
            "cancel_after_fill_s",
            "filled_opposite_usd",
        ),
        float,
    ),
    detect,
)
