"""Excessive cancels: a day on which an account cancelled very many orders of one contract.

On a day on which everybody else cancels more than usual in the symbol, so much more is allowed. Days are UTC; each is
judged at the midnight that ends it, from what is known then.

See docs/methods.md#d06-excessive-orders.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import DAY_US
from features.kernel.thresholds import Settings
from features.patterns.shared.episode import EVIDENCE_ROWS, Episode, Pattern
from features.patterns.shared.own_orders import OF_PEOPLE, forget, steps

CANCELS = f"(SELECT *, ts // {DAY_US} AS day FROM order_events WHERE event = 'cancel' AND {OF_PEOPLE})"
MEASURES = ("cancels", "allowed", "market_to_usual")


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """Days of excessive cancels, each known at the first midnight that found it."""
    sql = {
        "cancel_suspects": _suspects(settings),
        "cancel_days": _days("", settings),
        "cancel_own_days": _days("account_id, ", settings),
        "cancel_found": _found(settings),
    }
    steps(engine, sql)
    rows = engine.run(_episodes()).to_pylist()
    forget(engine, sql)
    for row in rows:
        yield _episode(row)


def _suspects(settings: Settings) -> str:
    """Days that reach the number on a usual day."""
    sql = f"""
    SELECT account_id, symbol, product, day FROM {CANCELS}
    GROUP BY ALL HAVING count(*) >= $cancels"""
    return filled(sql, cancels=settings["cancels"])


def _days(by: str, settings: Settings) -> str:
    """Cancels a day and contract, of all or of each suspect, as known at each midnight at which the day is judged."""
    chosen = "SEMI JOIN cancel_suspects USING (account_id, symbol, product)" if by else ""
    sql = f"""
    SELECT {by}symbol, product, day, late,
           count(*) FILTER (known_from <= (day + 1 + late) * {DAY_US}) AS cancels
    FROM (SELECT *, unnest($lateness) AS late FROM {CANCELS} {chosen}) GROUP BY ALL"""
    return filled(sql, lateness=[int(days) for days in settings["lateness_days"]])


def _found(settings: Settings) -> str:
    sql = f"""
    WITH judged AS (
        SELECT o.*, d.cancels - o.cancels AS others, (o.day + 1 + o.late) * {DAY_US} AS moment
        FROM cancel_own_days AS o JOIN cancel_suspects USING (account_id, symbol, product, day)
        JOIN cancel_days AS d USING (symbol, product, day, late)),
    usual AS (
        SELECT s.account_id, s.symbol, s.product, s.day,
               CAST(sum(d.cancels - coalesce(o.cancels, 0)) AS DOUBLE) / count(*) AS others
        FROM cancel_suspects AS s
        JOIN cancel_days AS d ON (d.symbol, d.product, d.late) = (s.symbol, s.product, 0)
         AND d.day BETWEEN s.day - $days AND s.day - 1
        LEFT JOIN cancel_own_days AS o ON (o.account_id, o.symbol, o.product, o.day, o.late)
                                        = (s.account_id, s.symbol, s.product, d.day, 0)
        GROUP BY ALL),
    allowed AS (
        SELECT j.*, j.others / nullif(u.others, 0) AS market_to_usual,
               $cancels * greatest(1, coalesce(market_to_usual, 1)) AS allowed
        FROM judged AS j LEFT JOIN usual AS u USING (account_id, symbol, product, day))
    SELECT * FROM allowed WHERE cancels >= allowed
    QUALIFY row_number() OVER (PARTITION BY account_id, symbol, day ORDER BY moment, cancels DESC, product) = 1"""
    return filled(sql, days=settings["history_days"], cancels=settings["cancels"])


def _episodes() -> str:
    return f"""
    SELECT f.*, min(c.ts) AS started_at, max(c.ts) AS ended_at,
           min_by(struct_pack(order_id := c.order_id, ts := c.ts), (c.ts, c.order_id), {EVIDENCE_ROWS}) AS shown
    FROM cancel_found AS f JOIN {CANCELS} AS c USING (account_id, symbol, product, day)
    WHERE c.known_from <= f.moment GROUP BY ALL ORDER BY f.moment, f.account_id, f.symbol"""


def _episode(row: Mapping[str, Any]) -> Episode:
    return Episode(
        pattern="excessive_cancels",
        accounts=(row["account_id"],),
        symbol=row["symbol"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        known_at=row["moment"],
        measures={
            "cancels": row["cancels"],
            "allowed": row["allowed"],
            "market_to_usual": row["market_to_usual"],
        },
        evidence=tuple(("order_events", o["order_id"], o["ts"], "order cancelled") for o in row["shown"]),
        evidence_total=row["cancels"],
    )


EXCESSIVE_CANCELS = Pattern(
    "excessive_cancels",
    "D06",
    "5.5",
    "a day on which an account cancelled very many orders of one contract",
    Path(__file__).with_suffix(".yaml"),
    dict.fromkeys(MEASURES, float),
    ("order_events",),
    detect,
)
