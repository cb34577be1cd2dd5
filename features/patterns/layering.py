"""Layering: several orders at several prices on one side, pulled together after an own fill on the other side.

The orders are those of one side that were placed within the window before the fill and still open at it. Where no order
states its share of the depth, their value against the symbol's mean order of the day before decides.

See docs/methods.md#d05-layering.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import DAY_US, MINUTE_US, SECOND_US
from features.kernel.thresholds import Settings
from features.kernel.units import MICRO
from features.patterns.shared.episode import EVIDENCE_ROWS, Episode, Pattern
from features.patterns.shared.own_orders import MARKET, MICRO_USD, RESTING, forget, minutes_between, steps

ORDERS_SHOWN = FILLS_SHOWN = EVIDENCE_ROWS
BOOK = "account_id, symbol, product, side, filled_at"
MEASURES = (
    "orders",
    "levels",
    "notional_usd",
    "depth_share",
    "fill_share",
    "cancel_share",
    "cancel_sync_ms",
    "cancel_after_fill_s",
    "filled_opposite_usd",
    "two_sided_share",
)


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """Layering episodes, each known once enough of its cancels were known."""
    sql = {
        "layer_market": MARKET,
        "layer_pulled": _cancelled(settings),
        "layer_states": _states(settings),
        "layer_side": _side(settings),
        "layer_sides": _sides(),
        "layer_counter": _counter(settings),
        "layer_fills": _fills(settings),
    }
    steps(engine, sql)
    rows = engine.run(_episodes(settings)).to_pylist()
    forget(engine, sql)
    for row in rows:
        yield _episode(row)


def _cancelled(settings: Settings) -> str:
    """Orders placed shortly before an own opposite fill and cancelled shortly after it."""
    window, after = int(settings["window_s"] * SECOND_US), int(settings["cancel_after_fill_s"] * SECOND_US)
    sql = f"""
    SELECT o.order_id, o.account_id, o.symbol, o.product, o.side, o.ts, o.price, {MICRO_USD} AS micro,
           in_64_bits(in_128_bits(o.depth_share * 1e6)) AS depth, p.filled_at, p.ts AS cancelled_at,
           greatest(p.known_from, o.known_from) AS moment
    FROM (SELECT * FROM fact_pulls WHERE ts - filled_at <= $after) AS p
    JOIN (SELECT * FROM order_events WHERE {RESTING}) AS o ON o.order_id = p.row_id
    WHERE o.ts BETWEEN p.filled_at - $window AND p.filled_at
    QUALIFY row_number() OVER (PARTITION BY o.order_id ORDER BY p.known_from, p.ts) = 1"""
    return filled(sql, window=window, after=after)


def _states(settings: Settings) -> str:
    """What was known to be pulled after a fill, at each moment more became known, once it is enough for a layer."""
    sql = f"""
    WITH marked AS (
        SELECT *, row_number() OVER (PARTITION BY {BOOK}, price ORDER BY moment, order_id) = 1 AS new_level
        FROM layer_pulled),
    grown AS (
        SELECT {BOOK}, moment, count(*) OVER so_far AS orders, count(depth) OVER so_far AS depths,
               in_64_bits(sum(CAST(new_level AS INTEGER)) OVER so_far) AS levels,
               in_64_bits(sum(micro) OVER so_far) AS micro, in_64_bits(sum(depth) OVER so_far) AS depth,
               min(ts) OVER so_far AS started_at, min(cancelled_at) OVER so_far AS first_cancel,
               max(cancelled_at) OVER so_far AS last_cancel
        FROM marked
        WINDOW so_far AS (PARTITION BY {BOOK} ORDER BY moment RANGE UNBOUNDED PRECEDING))
    SELECT DISTINCT g.* FROM grown AS g
    LEFT JOIN layer_market AS m ON (m.symbol, m.product, m.day) = (g.symbol, g.product, g.filled_at // {DAY_US})
    WHERE g.orders >= $orders AND g.levels >= $levels
      AND (g.depth >= $depth
           OR (g.depths = 0 AND g.micro >= $size * m.mean_micro))"""
    return filled(
        sql,
        orders=settings["orders"],
        levels=settings["levels"],
        depth=round(settings["depth_share"] * MICRO),
        size=settings["size_to_market_mean"],
    )


def _side(settings: Settings) -> str:
    """All orders of that side which were placed in the window and, as far as was known, still open at the fill."""
    sql = f"""
    WITH placed AS (
        SELECT {", ".join(f"s.{name}" for name in BOOK.split(", "))}, s.moment, o.order_id, o.micro
        FROM (SELECT *, {minutes_between("filled_at - $window", "filled_at")} AS minute FROM layer_states) AS s
        JOIN (SELECT *, {MICRO_USD} AS micro, ts // {MINUTE_US} AS minute FROM order_events WHERE {RESTING}) AS o
          USING (account_id, symbol, product, side, minute)
        WHERE o.ts BETWEEN s.filled_at - $window AND s.filled_at AND o.known_from <= s.moment),
    ended AS (
        SELECT DISTINCT p.order_id, p.moment, p.filled_at FROM placed AS p JOIN order_events AS c USING (order_id)
        WHERE c.event IN ('cancel', 'expire') AND c.ts < p.filled_at AND c.known_from <= p.moment)
    SELECT p.* FROM placed AS p ANTI JOIN ended USING (order_id, moment, filled_at)"""
    return filled(sql, window=int(settings["window_s"] * SECOND_US))


def _sides() -> str:
    return f"""
    WITH filled AS (
        SELECT s.order_id, s.moment, s.filled_at, in_64_bits(sum(l.micro)) AS micro
        FROM layer_side AS s JOIN fact_legs AS l USING (order_id) WHERE l.known_from <= s.moment GROUP BY ALL)
    SELECT {BOOK}, moment, count(*) AS orders, CAST(sum(s.micro) AS DOUBLE) AS micro,
           CAST(coalesce(sum(f.micro), 0) AS DOUBLE) AS filled
    FROM layer_side AS s LEFT JOIN filled AS f USING (order_id, moment, filled_at) GROUP BY ALL"""


def _counter(settings: Settings) -> str:
    """What the account pulled on the other side around the fill."""
    window, after = int(settings["window_s"] * SECOND_US), int(settings["cancel_after_fill_s"] * SECOND_US)
    span = minutes_between("filled_at - $window", "filled_at + $after")
    sql = f"""
    SELECT s.account_id, s.symbol, s.product, s.side, s.filled_at, s.moment, in_64_bits(sum(o.micro)) AS micro
    FROM (SELECT *, {span} AS minute FROM layer_states) AS s
    JOIN (SELECT *, {MICRO_USD} AS micro, ts // {MINUTE_US} AS minute FROM order_events WHERE {RESTING}) AS o
      USING (account_id, symbol, product, minute)
    JOIN order_events AS c ON c.order_id = o.order_id AND c.event = 'cancel'
    WHERE o.side <> s.side AND c.ts BETWEEN s.filled_at - $after AND s.filled_at + $after
      AND greatest(o.known_from, c.known_from) <= s.moment
    GROUP BY ALL"""
    return filled(sql, window=window, after=after)


def _fills(settings: Settings) -> str:
    """The own fills on the other side, from the first of the orders to the last fill before the cancels."""
    sql = f"""
    SELECT s.account_id, s.symbol, s.product, s.side, s.filled_at, s.moment, in_64_bits(sum(l.micro)) AS micro,
           count(*) AS fill_count,
           list(struct_pack(trade_id := l.row_id, ts := l.ts, micro := l.micro) ORDER BY l.ts DESC, l.row_id)
               [:{FILLS_SHOWN}] AS fills
    FROM (SELECT *, {minutes_between("filled_at - $window", "filled_at")} AS minute FROM layer_states) AS s
    JOIN (SELECT *, ts // {MINUTE_US} AS minute FROM fact_legs) AS l USING (account_id, symbol, product, minute)
    WHERE l.side <> s.side AND l.ts BETWEEN s.started_at AND s.filled_at AND l.known_from <= s.moment
    GROUP BY ALL"""
    return filled(sql, window=int(settings["window_s"] * SECOND_US))


def _episodes(settings: Settings) -> str:
    sql = f"""
    WITH found AS (
        SELECT s.*, d.orders AS side_orders, d.filled / d.micro AS fill_share,
               coalesce(c.micro, 0) / s.micro AS two_sided_share, f.micro AS filled_micro, f.fill_count, f.fills
        FROM layer_states AS s JOIN layer_sides AS d USING ({BOOK}, moment)
        JOIN layer_fills AS f USING ({BOOK}, moment) LEFT JOIN layer_counter AS c USING ({BOOK}, moment)
        WHERE s.orders >= $cancel_share * d.orders AND d.filled <= $fill_share * d.micro
          AND coalesce(c.micro, 0) < $two_sided_share * s.micro
        QUALIFY row_number() OVER (PARTITION BY {BOOK} ORDER BY moment) = 1)
    SELECT {", ".join(f"any_value(f.{name}) AS {name}" for name in _SHOWN)}, {", ".join(f"f.{n}" for n in _KEYS)},
           list(struct_pack(order_id := p.order_id, ts := p.ts, price := p.price, micro := p.micro,
                            cancelled_at := p.cancelled_at) ORDER BY p.ts, p.order_id)[:{ORDERS_SHOWN}] AS pulled
    FROM found AS f JOIN layer_pulled AS p ON {" AND ".join(f"p.{name} = f.{name}" for name in BOOK.split(", "))}
      AND p.moment <= f.moment
    GROUP BY {", ".join(f"f.{n}" for n in _KEYS)} ORDER BY f.moment, f.account_id, f.symbol, f.product, f.side"""
    return filled(
        sql,
        cancel_share=settings["cancel_share"],
        fill_share=settings["fill_share"],
        two_sided_share=settings["two_sided_share"],
    )


_KEYS = (*BOOK.split(", "), "moment")
_SHOWN = (
    "orders",
    "levels",
    "micro",
    "depth",
    "started_at",
    "first_cancel",
    "last_cancel",
    "side_orders",
    "fill_share",
    "two_sided_share",
    "filled_micro",
    "fill_count",
    "fills",
)


def _episode(row: Mapping[str, Any]) -> Episode:
    placed = (
        (
            "order_events",
            o["order_id"],
            o["ts"],
            f"{row['side']} order of {o['micro'] / MICRO:,.0f} USD at {o['price']:g}",
        )
        for o in row["pulled"]
    )
    fills = (
        ("trades", f["trade_id"], f["ts"], f"own fill of {f['micro'] / MICRO:,.0f} USD opposite") for f in row["fills"]
    )
    cancelled = (
        (
            "order_events",
            o["order_id"],
            o["cancelled_at"],
            f"cancelled after {(o['cancelled_at'] - o['ts']) / MICRO:.1f} s",
        )
        for o in row["pulled"]
    )
    return Episode(
        pattern="layering",
        accounts=(row["account_id"],),
        symbol=row["symbol"],
        started_at=row["started_at"],
        ended_at=row["last_cancel"],
        known_at=row["moment"],
        measures={
            "orders": row["orders"],
            "levels": row["levels"],
            "notional_usd": row["micro"] / MICRO,
            "depth_share": None if row["depth"] is None else row["depth"] / MICRO,
            "fill_share": row["fill_share"],
            "cancel_share": row["orders"] / row["side_orders"],
            "cancel_sync_ms": (row["last_cancel"] - row["first_cancel"]) / 1_000,
            "cancel_after_fill_s": (row["first_cancel"] - row["filled_at"]) / SECOND_US,
            "filled_opposite_usd": row["filled_micro"] / MICRO,
            "two_sided_share": row["two_sided_share"],
        },
        evidence=(*placed, *fills, *cancelled),
        evidence_total=2 * row["orders"] + row["fill_count"],
    )


LAYERING = Pattern(
    "layering",
    "D05",
    "5.3",
    "several orders on one side pulled together after an own fill on the other",
    Path(__file__).with_suffix(".yaml"),
    dict.fromkeys(MEASURES, float),
    ("order_events", "trades", "fact_legs", "fact_pulls"),
    detect,
)
