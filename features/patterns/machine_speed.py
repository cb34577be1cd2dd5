"""Machine speed: orders through web or app, faster than a hand for many seconds on end.

Clock seconds are looked at: each of them is fast from the moment enough of its orders are known, so rows that arrive
late never change what was found before. One episode a clock minute, the stretch that was known first.

See docs/methods.md#d02-unauthorised-automation.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import SECOND_US
from features.kernel.thresholds import Settings
from features.patterns.shared.episode import EVIDENCE_ROWS, Episode, Pattern
from features.patterns.shared.own_orders import forget, steps

BY_HAND = "event = 'new' AND source IN ('web', 'app')"
MEASURES = ("orders", "orders_per_second", "seconds", "without_ui_share", "symbols")


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """Stretches of orders at a machine's speed, each known once its last second was fast enough."""
    least, seconds = int(settings["orders_per_second"]), int(settings["sustained_s"])
    sql = {"speed_seconds": _seconds(least), "speed_stretches": _stretches(seconds)}
    steps(engine, sql)
    rows = engine.run(_episodes(seconds)).to_pylist()
    forget(engine, sql)
    for row in rows:
        yield _episode(row, seconds)


def _seconds(least: int) -> str:
    """Seconds with enough orders, and when enough of them were known."""
    sql = f"""
    WITH busy AS (
        SELECT account_id, ts // {SECOND_US} AS second FROM order_events WHERE {BY_HAND}
        GROUP BY ALL HAVING count(*) >= $least)
    SELECT account_id, second, o.known_from AS moment
    FROM (SELECT *, ts // {SECOND_US} AS second FROM order_events WHERE {BY_HAND}) AS o
    JOIN busy USING (account_id, second)
    QUALIFY row_number() OVER (PARTITION BY account_id, second ORDER BY o.known_from, o.ts, o.order_id) = $least"""
    return filled(sql, least=least)


def _stretches(seconds: int) -> str:
    """The first known stretch of consecutive fast seconds in each clock minute."""
    sql = """
    WITH runs AS (
        SELECT account_id, second, max(moment) OVER (PARTITION BY account_id ORDER BY second
                                                     ROWS $before PRECEDING) AS moment
        FROM speed_seconds
        QUALIFY second - lag(second, $before) OVER (PARTITION BY account_id ORDER BY second) = $before)
    SELECT * FROM runs
    QUALIFY row_number() OVER (PARTITION BY account_id, second // 60 ORDER BY moment, second) = 1"""
    return filled(sql, before=seconds - 1)


def _episodes(seconds: int) -> str:
    sql = f"""
    SELECT s.account_id, s.second, s.moment, min(o.ts) AS started_at, max(o.ts) AS ended_at, count(*) AS orders,
           count(*) FILTER (NOT o.had_ui_event) AS without_ui, count(DISTINCT o.symbol) AS symbols,
           min(o.symbol) AS symbol,
           list(struct_pack(order_id := o.order_id, ts := o.ts, side := o.side, symbol := o.symbol)
                ORDER BY o.ts, o.order_id)[:{EVIDENCE_ROWS}] AS shown
    FROM (SELECT *, unnest(generate_series(second - $before, second)) AS clock FROM speed_stretches) AS s
    JOIN (SELECT *, ts // {SECOND_US} AS clock FROM order_events WHERE {BY_HAND}) AS o USING (account_id, clock)
    WHERE o.known_from <= s.moment
    GROUP BY s.account_id, s.second, s.moment ORDER BY s.moment, s.account_id, s.second"""
    return filled(sql, before=seconds - 1)


def _episode(row: Mapping[str, Any], seconds: int) -> Episode:
    return Episode(
        pattern="machine_speed",
        accounts=(row["account_id"],),
        symbol=row["symbol"] if row["symbols"] == 1 else "",
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        known_at=row["moment"],
        measures={
            "orders": row["orders"],
            "orders_per_second": row["orders"] / seconds,
            "seconds": seconds,
            "without_ui_share": row["without_ui"] / row["orders"],
            "symbols": row["symbols"],
        },
        evidence=tuple(
            ("order_events", o["order_id"], o["ts"], f"{o['side']} order in {o['symbol']} by web or app")
            for o in row["shown"]
        ),
        evidence_total=row["orders"],
    )


MACHINE_SPEED = Pattern(
    "machine_speed",
    "D02",
    "5.2",
    "orders by web or app faster than a hand for many seconds on end",
    Path(__file__).with_suffix(".yaml"),
    dict.fromkeys(MEASURES, float),
    ("order_events",),
    detect,
)
