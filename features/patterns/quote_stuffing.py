"""Quote stuffing: a minute in which an account floods one book with orders and takes nearly all back at once.

A clock minute of one account and symbol is judged when it has closed, from what is known then, and again later for rows
that arrive late. One episode an hour, the minute that was found first: a machine that never stops fills no queue.

See docs/methods.md#d06-excessive-orders.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import MINUTE_US, SECOND_US
from features.kernel.thresholds import Settings
from features.patterns.shared.episode import EVIDENCE_ROWS, Episode, Pattern
from features.patterns.shared.own_orders import OF_PEOPLE, forget, steps

NEW = f"event = 'new' AND {OF_PEOPLE}"
MEASURES = ("orders", "cancels", "cancel_share", "life_median_s", "orders_per_second")


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """Minutes of quote stuffing, each known at the first judgement that found it."""
    sql = {"stuffing_orders": _orders(settings), "stuffing_minutes": _minutes(settings)}
    steps(engine, sql)
    rows = engine.run(_episodes()).to_pylist()
    forget(engine, sql)
    for row in rows:
        yield _episode(row)


def _orders(settings: Settings) -> str:
    """The orders of minutes that may hold enough, with their first known cancel by a moment after the minute."""
    sql = f"""
    WITH busy AS (
        SELECT account_id, symbol, product, ts // {MINUTE_US} AS minute FROM order_events WHERE {NEW}
        GROUP BY ALL HAVING count(*) >= $orders),
    placed AS (
        SELECT account_id, symbol, product, minute, o.order_id, o.ts, o.known_from
        FROM (SELECT *, ts // {MINUTE_US} AS minute FROM order_events WHERE {NEW}) AS o
        JOIN busy USING (account_id, symbol, product, minute))
    SELECT p.*, c.ts - p.ts AS life_us, c.known_from AS cancel_known
    FROM placed AS p LEFT JOIN order_events AS c
      ON c.order_id = p.order_id AND c.event = 'cancel' AND c.ts >= p.ts
     AND c.ts < (p.minute + 1) * {MINUTE_US} + $after
    QUALIFY row_number() OVER (PARTITION BY p.order_id ORDER BY c.known_from, c.ts) = 1"""
    return filled(sql, orders=settings["orders_per_minute"], after=int(settings["life_s"] * SECOND_US))


def _minutes(settings: Settings) -> str:
    sql = f"""
    WITH judged AS (
        SELECT account_id, symbol, product, minute, moment, count(*) AS orders,
               count(life_us) FILTER (cancel_known <= moment) AS cancels,
               median(life_us) FILTER (cancel_known <= moment) AS life_us
        FROM (SELECT *, (minute + 1) * {MINUTE_US} + $after + unnest($lateness) AS moment FROM stuffing_orders)
        WHERE known_from <= moment GROUP BY ALL
        HAVING orders >= $orders AND cancels >= $cancel_share * orders
           AND life_us < $after),
    minutes AS (
        SELECT * FROM judged
        QUALIFY moment = min(moment) OVER (PARTITION BY account_id, symbol, product, minute))
    SELECT * FROM minutes
    QUALIFY row_number() OVER (PARTITION BY account_id, symbol, minute // 60 ORDER BY moment, minute, product) = 1"""
    return filled(
        sql,
        after=int(settings["life_s"] * SECOND_US),
        lateness=[int(late * SECOND_US) for late in settings["lateness_s"]],
        orders=settings["orders_per_minute"],
        cancel_share=settings["cancel_share"],
    )


def _episodes() -> str:
    return f"""
    SELECT m.*, min(o.ts) AS started_at, max(o.ts) AS ended_at,
           list(struct_pack(order_id := o.order_id, ts := o.ts,
                            life_us := CASE WHEN o.cancel_known <= m.moment THEN o.life_us END)
                ORDER BY o.ts, o.order_id)[:{EVIDENCE_ROWS}] AS shown
    FROM stuffing_minutes AS m JOIN stuffing_orders AS o USING (account_id, symbol, product, minute)
    WHERE o.known_from <= m.moment
    GROUP BY ALL ORDER BY m.moment, m.account_id, m.symbol"""


def _episode(row: Mapping[str, Any]) -> Episode:
    return Episode(
        pattern="quote_stuffing",
        accounts=(row["account_id"],),
        symbol=row["symbol"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        known_at=row["moment"],
        measures={
            "orders": row["orders"],
            "cancels": row["cancels"],
            "cancel_share": row["cancels"] / row["orders"],
            "life_median_s": row["life_us"] / SECOND_US,
            "orders_per_second": row["orders"] / 60,
        },
        evidence=tuple(("order_events", o["order_id"], o["ts"], _fate(o["life_us"])) for o in row["shown"]),
        evidence_total=row["orders"],
    )


def _fate(life_us: int | None) -> str:
    return "order placed" if life_us is None else f"order placed and cancelled after {life_us / SECOND_US:.2f} s"


QUOTE_STUFFING = Pattern(
    "quote_stuffing",
    "D06",
    "5.5",
    "a minute of very many orders in one book, nearly all cancelled within a second",
    Path(__file__).with_suffix(".yaml"),
    dict.fromkeys(MEASURES, float),
    ("order_events",),
    detect,
)
