"""Collusion without links: accounts that share nothing open one position in one second, over the limit only together.

The blind spot of the position-limit ring (docs/methods.md#near-misses, P4): its other four conditions must all hold
here, and a crowd larger than a ring is a crowd. Only opens at one and the same price that are a part of the whole
count, and only those of takers: when a resting order is filled is not its owner's choice. Where the same opens make a
linked ring, that finding stands alone.

See docs/methods.md#d21-collusion.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import SECOND_US
from features.kernel.thresholds import Settings
from features.patterns.shared import joint_position
from features.patterns.shared.episode import Episode, Pattern
from features.patterns.shared.joint_position import EvaluatedGroup, EvaluatedWindow, judge, revised
from features.patterns.shared.synchronised_opens import Burst, again, near_crowds

MEASURES: Mapping[str, type] = {"accounts": float, **joint_position.MEASURES}
RING = "position_limit_ring"

# Moments and prices of which the following second holds enough accounts.
ANCHORS = """
WITH anchors AS (
    SELECT DISTINCT symbol, side, ts, price FROM (
        SELECT symbol, side, ts, price,
               count(DISTINCT account_id) OVER (PARTITION BY symbol, side, price ORDER BY ts
                   RANGE BETWEEN CURRENT ROW AND $sync FOLLOWING) AS accounts
        FROM opens WHERE taker)
    WHERE accounts >= $least)
FROM anchors
"""

RINGS = "SELECT symbol, started_at, accounts, known_at, superseded_at FROM episodes WHERE pattern = $pattern"


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """One episode a burst, judged when its window closes and again where rows arrived late."""
    near_crowds(engine, settings)
    rings = engine.run(filled(RINGS, pattern=RING)).to_pylist()
    yield from revised(partial(_looks, engine, settings, rings), settings)


def _looks(
    engine: DuckDBEngine,
    settings: Settings,
    rings: list[dict[str, Any]],
    lateness: int,
    judged_before: int | None,
) -> Iterator[EvaluatedWindow]:
    window, sync = int(settings["window_s"] * SECOND_US), int(settings["sync_ms"] * 1_000)
    opens = engine.frame("SELECT * FROM opens WHERE taker ORDER BY symbol, side, ts, trade_id, account_id")
    late = again(("trades",), window, judged_before)
    query = filled(ANCHORS, sync=sync, least=int(settings["min_accounts"]))
    anchors = engine.frame(f"{query} {late} ORDER BY symbol, side, ts, price")
    by_market = dict(tuple(opens.groupby(["symbol", "side"])))
    columns = (anchors["symbol"], anchors["side"], anchors["ts"].astype(int), anchors["price"])
    for symbol, side, start, price in zip(*columns, strict=True):
        rows = by_market[symbol, side]
        burst = _burst(rows[rows["price"] == price], start, start + window + lateness, settings)
        episode = _judged(engine, burst, rings, settings, lateness)
        yield EvaluatedWindow((symbol, side, start, price), ((1, episode),) if episode else ())


def _judged(
    engine: DuckDBEngine, burst: Burst, rings: list[dict[str, Any]], settings: Settings, lateness: int
) -> Episode | None:
    accounts = frozenset(burst.opens["account_id"])
    if len(accounts) < settings["min_accounts"]:
        return None
    judged = judge(engine, burst, accounts, settings, lateness)
    if not (judged and judged.strict and judged.same_price and judged.evades and judged.dominates):
        return None
    linked_at = _linked_at(rings, burst.symbol, accounts, judged, int(settings["window_s"] * SECOND_US))
    found_by_links = linked_at is not None and linked_at <= judged.known_at
    return None if found_by_links else _episode(burst, accounts, judged, linked_at)


def _burst(rows: pd.DataFrame, start: int, judged_at: int, settings: Settings) -> Burst:
    """The opens of one price in the second from an anchor, of accounts that are part of the whole; none in a crowd."""
    times = rows["ts"].to_numpy()
    sync = int(settings["sync_ms"] * 1_000)
    around = rows.iloc[np.searchsorted(times, start - sync) : np.searchsorted(times, start + sync, side="right")]
    around = around[(around["known_from"] <= judged_at) & (around["ts"] < judged_at)]
    crowd = around["account_id"].nunique() > settings["max_accounts"]
    anchored = bool((around["ts"] == start).any())
    inside = around[around["ts"] >= start] if anchored and not crowd else around.iloc[:0]
    own = inside.groupby("account_id")["notional_usd"].transform("sum")
    parts = inside[own >= settings["part_of_whole"] * inside["notional_usd"].sum()]
    return Burst(str(rows["symbol"].iloc[0]), str(rows["side"].iloc[0]), start, parts, ())


def _linked_at(
    rings: list[dict[str, Any]], symbol: str, accounts: frozenset[str], judged: EvaluatedGroup, window: int
) -> int | None:
    """When a ring of linked accounts, not withdrawn by now, was first found in the same burst."""
    moments = (
        int(ring["known_at"])
        for ring in rings
        if ring["symbol"] == symbol
        and abs(ring["started_at"] - judged.first) <= window
        and accounts <= set(ring["accounts"])
        and (ring["superseded_at"] is None or ring["superseded_at"] > judged.known_at)
    )
    return min(moments, default=None)


def _episode(burst: Burst, accounts: frozenset[str], judged: EvaluatedGroup, linked_at: int | None) -> Episode:
    return Episode(
        pattern="unlinked_ring",
        accounts=tuple(sorted(accounts)),
        symbol=burst.symbol,
        started_at=judged.first,
        ended_at=judged.last,
        known_at=judged.known_at,
        measures={"accounts": len(accounts), **judged.measures},
        evidence=joint_position.evidence(judged, burst.side),
        superseded_at=linked_at,
    )


UNLINKED_RING = Pattern(
    "unlinked_ring",
    "D21",
    "5.4",
    "accounts that share nothing opening one position in one second, over the limit only together",
    Path(__file__).with_suffix(".yaml"),
    MEASURES,
    (
        *("accounts", "instruments", "order_events", "position_limits", "trades"),
        *("fact_legs", "position_limit_ring"),
    ),
    detect,
)
