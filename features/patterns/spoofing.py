"""Spoofing: a large order on one side, cancelled around the account's own fill on the other side.

Large is at least the greatest of three sizes (own median, the symbol's mean order of the day before, a share of the
depth); of these two must be known, and every known one must be reached. Condition 6 (a favourable move) is a measure,
`price_gain_bp`, and decides nothing: quotes are snapshots, too sparse for seconds.

See docs/methods.md#d04-spoofing.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import DAY_US, MINUTE_US, SECOND_US
from features.kernel.thresholds import Settings
from features.kernel.units import MICRO
from features.patterns.shared.episode import Episode, Pattern
from features.patterns.shared.own_orders import MARKET, MICRO_USD, RESTING, forget, minutes_between, steps

FILLS_SHOWN = 18
MEASURES = (
    "notional_usd",
    "size_to_own_median",
    "size_to_market_mean",
    "depth_share",
    "fill_share",
    "life_s",
    "cancel_after_fill_s",
    "filled_opposite_usd",
    "size_ratio",
    "distance_bp",
    "price_gain_bp",
    "two_sided_share",
    "cancels_to_usual",
)


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """Spoofing episodes, each known once order, cancel and opposite fill were known."""
    sql = _steps(settings)
    steps(engine, sql)
    rows = engine.run(_episodes(settings)).to_pylist()
    forget(engine, sql)
    for row in rows:
        yield _episode(row)


def _steps(settings: Settings) -> dict[str, str]:
    after = int(settings["cancel_after_fill_s"] * SECOND_US)
    return {
        "spoof_market": MARKET,
        "spoof_cancelled": _cancelled(settings),
        "spoof_answered": _answered(after),
        "spoof_large": _large(settings),
        "spoof_filled": _filled(),
        "spoof_counter": _counter(settings, after),
        "spoof_pulls": _cancels(settings),
    }


def _cancelled(settings: Settings) -> str:
    """Orders of some size for book and market that were cancelled soon: conditions 1 (in part) and 3."""
    life = f"CASE WHEN m.trades < $quiet_trades THEN $quiet_life ELSE $life END * {SECOND_US}"
    sql = f"""
    SELECT o.*, m.mean_micro, m.cancels AS usual_cancels, c.ts AS cancelled_at,
           greatest(o.known_from, c.known_from) AS cancel_known
    FROM (SELECT *, {MICRO_USD} AS micro, ts // {DAY_US} AS day FROM order_events WHERE {RESTING}
            AND (depth_share IS NULL OR depth_share >= $depth_share)) AS o
    LEFT JOIN spoof_market AS m USING (symbol, product, day)
    JOIN order_events AS c ON c.order_id = o.order_id AND c.event = 'cancel'
    WHERE (m.mean_micro IS NULL OR o.micro >= $size * m.mean_micro)
      AND c.ts - o.ts BETWEEN 0 AND {life}
    QUALIFY row_number() OVER (PARTITION BY o.order_id ORDER BY c.known_from, c.ts) = 1"""
    return filled(
        sql,
        quiet_trades=settings["quiet_trades_per_day"],
        quiet_life=settings["quiet_life_s"],
        life=settings["life_s"],
        depth_share=settings["depth_share"],
        size=settings["size_to_market_mean"],
    )


def _answered(after: int) -> str:
    """Conditions 4 and 5, judged once, when order, cancel and a first opposite fill are known."""
    sql = f"""
    WITH fills AS (
        SELECT s.order_id, s.cancelled_at, greatest(s.cancel_known, l.known_from) AS moment, l.row_id AS trade_id,
               l.ts AS filled_at, l.micro AS filled_micro, l.price AS filled_price, l.maker
        FROM (SELECT *, {minutes_between("ts", "cancelled_at + $after")} AS minute FROM spoof_cancelled) AS s
        JOIN (SELECT *, ts // {MINUTE_US} AS minute FROM fact_legs) AS l USING (account_id, symbol, product, minute)
        WHERE l.side <> s.side AND l.ts BETWEEN s.ts AND s.cancelled_at + $after),
    known AS (SELECT * FROM fills QUALIFY moment = min(moment) OVER (PARTITION BY order_id))
    SELECT order_id, moment AS known_at, min(filled_at) AS filled_at, in_64_bits(sum(filled_micro)) AS filled_micro,
           min_by(filled_price, (filled_at, trade_id)) AS filled_price, min_by(maker, (filled_at, trade_id)) AS maker,
           list(struct_pack(trade_id, filled_at, filled_micro) ORDER BY filled_at, trade_id)[:{FILLS_SHOWN}] AS fills,
           count(*) AS fill_count
    FROM known GROUP BY order_id, moment, cancelled_at HAVING cancelled_at - min(filled_at) <= $after"""
    return filled(sql, after=after)


def _large(settings: Settings) -> str:
    """Condition 1 in full; only now are the accounts few whose own median is needed."""
    sql = f"""
    WITH answered AS (SELECT * FROM spoof_cancelled JOIN spoof_answered USING (order_id)),
    own AS (
        SELECT s.account_id, s.symbol, s.product, s.day, median(p.micro) AS median_micro
        FROM (SELECT DISTINCT account_id, symbol, product, day FROM answered) AS s
        JOIN (SELECT *, {MICRO_USD} AS micro, ts // {DAY_US} AS placed_day FROM order_events WHERE {RESTING}) AS p
          USING (account_id, symbol, product)
        WHERE p.placed_day < s.day AND p.placed_day >= s.day - $days
          AND p.known_from <= s.day * {DAY_US}
        GROUP BY ALL)
    SELECT a.*, own.median_micro FROM answered AS a LEFT JOIN own USING (account_id, symbol, product, day)
    WHERE (own.median_micro IS NULL OR a.micro >= $size * own.median_micro)
      AND CAST(own.median_micro IS NOT NULL AS INTEGER) + CAST(a.mean_micro IS NOT NULL AS INTEGER)
          + CAST(a.depth_share IS NOT NULL AS INTEGER) >= $sizes_known"""
    return filled(
        sql,
        days=settings["history_days"],
        size=settings["size_to_own_median"],
        sizes_known=settings["sizes_known"],
    )


def _filled() -> str:
    """What was filled of the large orders themselves: condition 2."""
    return """
    SELECT s.order_id, sum(l.quantity ORDER BY l.ts, l.row_id) AS quantity
    FROM spoof_large AS s JOIN fact_legs AS l USING (order_id) WHERE l.known_from <= s.known_at GROUP BY ALL"""


def _counter(settings: Settings, after: int) -> str:
    """What the account pulled on the other side at the same time: a market maker re-quotes both."""
    sql = f"""
    SELECT s.order_id, in_64_bits(sum(o.micro)) AS micro
    FROM (SELECT *, {minutes_between("ts - $life", "cancelled_at + $after")} AS minute FROM spoof_large) AS s
    JOIN (SELECT *, {MICRO_USD} AS micro, ts // {MINUTE_US} AS minute FROM order_events WHERE {RESTING}) AS o
      USING (account_id, symbol, product, minute)
    JOIN order_events AS c ON c.order_id = o.order_id AND c.event = 'cancel'
    WHERE o.side <> s.side AND c.ts BETWEEN s.cancelled_at - $after AND s.cancelled_at + $after
      AND greatest(o.known_from, c.known_from) <= s.known_at
    GROUP BY ALL"""
    return filled(sql, life=int(settings["quiet_life_s"] * SECOND_US), after=after)


def _cancels(settings: Settings) -> str:
    """How many orders others cancelled in the symbol just before: in a burst everybody pulls."""
    sql = f"""
    SELECT s.order_id, count(*) AS cancels, count(DISTINCT c.account_id) AS accounts
    FROM (SELECT *, {minutes_between("cancelled_at - $window", "cancelled_at")} AS minute FROM spoof_large) AS s
    JOIN (SELECT *, ts // {MINUTE_US} AS minute FROM order_events WHERE event = 'cancel') AS c
      USING (symbol, product, minute)
    WHERE c.account_id <> s.account_id AND c.ts > s.cancelled_at - $window AND c.ts <= s.cancelled_at
      AND c.known_from <= s.known_at
    GROUP BY ALL"""
    return filled(sql, window=int(settings["pull_window_s"] * SECOND_US))


def _episodes(settings: Settings) -> str:
    sql = """
    SELECT s.*, coalesce(f.quantity, 0) / s.quantity AS fill_share, coalesce(c.micro, 0) / s.micro AS two_sided_share,
           coalesce(p.cancels, 0) * 1440 / ($minutes * nullif(s.usual_cancels, 0)) AS cancels_to_usual
    FROM spoof_large AS s LEFT JOIN spoof_filled AS f USING (order_id) LEFT JOIN spoof_counter AS c USING (order_id)
    LEFT JOIN spoof_pulls AS p USING (order_id)
    WHERE coalesce(f.quantity, 0) <= $fill_share * s.quantity
      AND coalesce(c.micro, 0) < $two_sided_share * s.micro
      AND NOT (coalesce(p.accounts, 0) >= $pull_accounts
               AND coalesce(cancels_to_usual, 0) >= $pull_lift)
    QUALIFY row_number() OVER (PARTITION BY s.account_id, s.symbol, s.ts, s.known_at
                               ORDER BY s.micro DESC, s.order_id) = 1
    ORDER BY s.known_at, s.order_id"""
    return filled(
        sql,
        minutes=settings["pull_window_s"] / 60,
        fill_share=settings["fill_share"],
        two_sided_share=settings["two_sided_share"],
        pull_accounts=settings["pull_accounts"],
        pull_lift=settings["pull_lift"],
    )


def _episode(row: Mapping[str, Any]) -> Episode:
    usd, life_s = row["micro"] / MICRO, (row["cancelled_at"] - row["ts"]) / SECOND_US
    fills = tuple(
        ("trades", fill["trade_id"], fill["filled_at"], f"own fill of {fill['filled_micro'] / MICRO:,.0f} USD opposite")
        for fill in row["fills"]
    )
    return Episode(
        pattern="spoofing",
        accounts=(row["account_id"],),
        symbol=row["symbol"],
        started_at=row["ts"],
        ended_at=max(row["cancelled_at"], *(moment for _, _, moment, _ in fills)),
        known_at=row["known_at"],
        measures={
            "notional_usd": usd,
            "size_to_own_median": _ratio(row["micro"], row["median_micro"]),
            "size_to_market_mean": _ratio(row["micro"], row["mean_micro"]),
            "depth_share": row["depth_share"],
            "fill_share": row["fill_share"],
            "life_s": life_s,
            "cancel_after_fill_s": (row["cancelled_at"] - row["filled_at"]) / SECOND_US,
            "filled_opposite_usd": row["filled_micro"] / MICRO,
            "size_ratio": _ratio(row["micro"], row["filled_micro"]),
            "distance_bp": _distance_bp(row),
            "price_gain_bp": _price_gain_bp(row),
            "two_sided_share": row["two_sided_share"],
            "cancels_to_usual": row["cancels_to_usual"],
        },
        evidence=(
            ("order_events", row["order_id"], row["ts"], f"{row['side']} order of {usd:,.0f} USD placed"),
            *fills,
            ("order_events", row["order_id"], row["cancelled_at"], f"the order cancelled after {life_s:.1f} s"),
        ),
        evidence_total=2 + row["fill_count"],
    )


def _ratio(above: float, below: float | None) -> float | None:
    return above / below if below else None


def _distance_bp(row: Mapping[str, Any]) -> float | None:
    """How far behind the best price of its own side the order stood, in basis points; negative inside the spread."""
    best = row["best_bid"] if row["side"] == "buy" else row["best_ask"]
    if best is None:
        return None
    behind = best - row["price"] if row["side"] == "buy" else row["price"] - best
    return float(behind / best * 10_000)


def _price_gain_bp(row: Mapping[str, Any]) -> float | None:
    """How much better the first opposite fill was than the touch when the large order was placed, in basis points."""
    bought = row["side"] == "sell"
    touch = row["best_ask"] if bought is not row["maker"] else row["best_bid"]
    if touch is None:
        return None
    gain = touch - row["filled_price"] if bought else row["filled_price"] - touch
    return float(gain / touch * 10_000)


SPOOFING = Pattern(
    "spoofing",
    "D04",
    "5.3",
    "a large order on one side cancelled around an own fill on the other",
    Path(__file__).with_suffix(".yaml"),
    dict.fromkeys(MEASURES, float),
    ("order_events", "trades", "fact_legs"),
    detect,
)
