"""D03 wash pairs: two accounts that meet each other far more often than random matching would let them.

Everyone trades with the market makers, so pairs are filtered by lift: trades seen over trades expected from what each
side made and took in the symbol. A global pattern: it runs at each UTC midnight over the trailing window.
"""

from collections.abc import Iterator
from pathlib import Path

from scipy.special import pdtrc

from features.engines import DuckDBEngine
from features.patterns.episode import Episode, Pattern
from features.thresholds import Settings

DAY_US = 86_400 * 1_000_000

# A trade counts in every run at which it is inside the window and known; runs are grid days (midnight, UTC).
COUNTS = """
CREATE OR REPLACE TEMP TABLE wash_trades AS
WITH seen AS (
    SELECT symbol, maker_account_id AS maker, taker_account_id AS taker, ts, notional_usd, taker_side,
           CAST(ceil(greatest(ts + 1, known_from) / {day}) AS BIGINT) AS first_grid,
           ts // {day} + {window} AS last_grid
    FROM trades WHERE NOT liquidation)
SELECT symbol, maker, taker, grid, count(*) AS n, sum(notional_usd) AS volume,
       sum(CASE WHEN taker_side = 'buy' THEN notional_usd ELSE -notional_usd END) AS taker_signed,
       min(ts) AS first_ts, max(ts) AS last_ts
FROM seen, unnest(generate_series(first_grid, last_grid)) AS g(grid)
GROUP BY ALL
"""

PAIRS = """
WITH made AS (SELECT symbol, grid, maker AS account, sum(n) AS n FROM wash_trades GROUP BY ALL),
took AS (SELECT symbol, grid, taker AS account, sum(n) AS n FROM wash_trades GROUP BY ALL),
market AS (SELECT symbol, grid, sum(n) AS n FROM wash_trades GROUP BY ALL),
people AS (
    SELECT symbol, grid, count(DISTINCT account) AS participants
    FROM (SELECT symbol, grid, account FROM made UNION ALL SELECT symbol, grid, account FROM took) GROUP BY ALL),
pairs AS (
    SELECT symbol, grid, least(maker, taker) AS a, greatest(maker, taker) AS b, sum(n) AS n, sum(volume) AS volume,
           abs(sum(CASE WHEN taker < maker THEN taker_signed ELSE -taker_signed END)) AS net,
           min(first_ts) AS first_ts, max(last_ts) AS last_ts
    FROM wash_trades WHERE maker <> taker GROUP BY ALL HAVING sum(n) >= {min_trades})
SELECT p.* REPLACE (CAST(p.n AS BIGINT) AS n), people.participants,
       CAST(coalesce(ma.n, 0) * coalesce(tb.n, 0) + coalesce(mb.n, 0) * coalesce(ta.n, 0) AS DOUBLE) / m.n AS expected
FROM pairs AS p JOIN market AS m USING (symbol, grid) JOIN people USING (symbol, grid)
LEFT JOIN made AS ma ON (ma.symbol, ma.grid, ma.account) = (p.symbol, p.grid, p.a)
LEFT JOIN made AS mb ON (mb.symbol, mb.grid, mb.account) = (p.symbol, p.grid, p.b)
LEFT JOIN took AS ta ON (ta.symbol, ta.grid, ta.account) = (p.symbol, p.grid, p.a)
LEFT JOIN took AS tb ON (tb.symbol, tb.grid, tb.account) = (p.symbol, p.grid, p.b)
WHERE people.participants >= {min_participants}
ORDER BY p.grid, p.symbol, p.a, p.b
"""


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """Pairs above lift and significance, one episode a daily run, superseded by the next run."""
    engine.connection.execute(COUNTS.format(day=DAY_US, window=int(settings["window_days"])))
    pairs = engine.frame(
        PAIRS.format(min_trades=int(settings["min_trades"]), min_participants=int(settings["min_participants"]))
    )
    pairs["lift"] = pairs["n"] / pairs["expected"].clip(lower=1e-9)
    pairs["p_value"] = pdtrc(pairs["n"] - 1.0, pairs["expected"])  # P(N >= n) of a Poisson count
    found = pairs[(pairs["lift"] >= settings["lift"]) & (pairs["p_value"] < settings["p_value"])]
    for row in found.to_dict("records"):
        yield Episode(
            pattern="wash_pair",
            accounts=(row["a"], row["b"]),
            symbol=row["symbol"],
            started_at=int(row["first_ts"]),
            ended_at=int(row["last_ts"]),
            known_at=int(row["grid"]) * DAY_US,
            superseded_at=(int(row["grid"]) + 1) * DAY_US,
            measures={
                "trades": int(row["n"]),
                "expected_trades": float(row["expected"]),
                "lift": float(row["lift"]),
                "p_value": float(row["p_value"]),
                "volume_usd": float(row["volume"]),
                "net_share": float(row["net"] / row["volume"]) if row["volume"] else 0.0,
                "participants": int(row["participants"]),
            },
            evidence=(),
        )


WASH_PAIR = Pattern(
    "wash_pair",
    "D03",
    "5.3",
    "two accounts trading with each other far more often than chance",
    Path(__file__).with_suffix(".yaml"),
    dict.fromkeys(("trades", "expected_trades", "lift", "p_value", "volume_usd", "net_share", "participants"), float),
    detect,
)
