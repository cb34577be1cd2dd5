"""Wash rings (W2): accounts that meet beyond chance, or mostly each other, and all return to where they were.

Edges are the pairs that no chance explains; in a market of too few people lift says nothing, so there everybody who met
often is an edge and the episode says `thin_market`. A member is back at zero if what it traded inside the ring cancels
out, or, where legs leaked to others, if all it traded in the market does and most of that was inside.
Positions are netted in the base quantity: between the legs of a week the price moves by more than any margin.

See docs/methods.md#d03-wash-trading.
"""

from collections.abc import Hashable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import networkx as nx
import pandas as pd
import pyarrow as pa

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import DAY_US, SECOND_US
from features.kernel.thresholds import Settings
from features.patterns.shared.daily_runs import Finding, versions
from features.patterns.shared.episode import EVIDENCE_ROWS, Episode, Pattern
from features.patterns.shared.trades_of_people import find_trades_of_people, sold
from features.patterns.shared.wash_filter import filter_settings, lifted_pairs, proven_pairs

PLACE = ("grid", "symbol", "product")
MEMBERS = pa.schema(
    [
        ("ring", pa.int64()),
        ("symbol", pa.string()),
        ("product", pa.string()),
        ("grid", pa.int64()),
        ("account_id", pa.string()),
    ]
)

LEGS = """
CREATE OR REPLACE TEMP TABLE ring_legs AS
WITH legs AS (
    SELECT t.*, l.account_id, l.other_id AS other, CASE l.side WHEN 'buy' THEN units ELSE -units END AS signed,
           l.maker AS once
    FROM trades_of_people AS t JOIN fact_legs AS l ON l.row_id = t.trade_id AND l.known_from = t.known_from)
SELECT m.ring, m.grid, m.symbol, m.product, l.account_id, l.other, l.trade_id, l.ts, l.units, l.signed, l.volume,
       l.first_grid, l.maker_account_id, l.taker_account_id, l.taker_side,
       o.account_id IS NOT NULL AND l.account_id <> l.other AND NOT l.by_engine AS inside, l.once
FROM ring_members AS m JOIN legs AS l
  ON l.symbol = m.symbol AND l.product = m.product AND l.account_id = m.account_id
 AND l.ts >= (m.grid - $window) * $day AND l.ts < m.grid * $day AND l.first_grid <= m.grid
LEFT JOIN ring_members AS o ON o.ring = m.ring AND o.account_id = l.other
"""
NETTED = """
CREATE OR REPLACE TEMP TABLE ring_netted AS
WITH members AS (
    SELECT ring, width, (ts - (grid - $window) * $day) // width AS place, account_id,
           count(*) FILTER (inside) AS trades,
           coalesce(sum(units) FILTER (inside), 0) AS inside_gross,
           abs(coalesce(sum(signed) FILTER (inside), 0)) AS inside_net,
           sum(units) AS gross, abs(sum(signed)) AS net
    FROM ring_legs, unnest($widths) AS w(width) GROUP BY ALL HAVING count(*) FILTER (inside) > 0)
SELECT ring, width, place FROM members GROUP BY ALL
HAVING sum(trades) >= $min_legs AND bool_and(
    inside_net <= $margin * inside_gross OR net <= $margin * gross AND inside_gross >= $inside_share * gross)
"""
RINGS = """
WITH inside AS (
    SELECT l.*, EXISTS (
        SELECT 1 FROM ring_netted AS n WHERE n.ring = l.ring AND n.place = (ts - (grid - $window) * $day) // n.width)
        AS netted
    FROM ring_legs AS l WHERE inside AND once),
sums AS (
    SELECT ring, grid, symbol, product, count(*) AS trades, sum(volume) AS volume,
           coalesce(sum(volume) FILTER (netted), 0) AS netted_volume,
           min(ts) FILTER (netted) AS started_at, max(ts) FILTER (netted) AS ended_at,
           bool_or(first_grid = grid) AS news,
           list(struct_pack(trade_id, ts, volume, maker := maker_account_id, taker := taker_account_id, taker_side)
                ORDER BY ts, trade_id) FILTER (netted)[:$most] AS rows
    FROM inside GROUP BY ALL),
active AS (SELECT DISTINCT ring, grid, symbol, product, ts // $day AS day FROM inside),
market AS (
    SELECT ring, sum(m.volume) AS market_volume
    FROM active AS a JOIN wash_met AS m USING (symbol, product, day) WHERE m.first_grid <= a.grid GROUP BY ring),
windows AS (SELECT ring, count(*) AS windows_netted FROM ring_netted GROUP BY ring),
nets AS (
    SELECT ring, CAST(sum(net) AS DOUBLE) / CAST(sum(gross) AS DOUBLE) AS net_share FROM (
        SELECT ring, account_id, abs(sum(signed)) AS net, sum(units) AS gross FROM ring_legs GROUP BY ALL)
    GROUP BY ring),
makers AS (
    SELECT ring, CAST(count(*) FILTER (market_maker) AS BIGINT) AS market_makers FROM (
        SELECT m.ring, m.account_id, arg_max(a.market_maker, a.known_from) AS market_maker
        FROM ring_members AS m JOIN accounts AS a ON a.account_id = m.account_id AND a.known_from <= m.grid * $day
        GROUP BY ALL) GROUP BY ring)
SELECT s.*, windows_netted, net_share, coalesce(market_makers, 0) AS market_makers,
       CAST(volume AS DOUBLE) / CAST(market_volume AS DOUBLE) AS symbol_volume_share
FROM sums AS s JOIN windows USING (ring) JOIN nets USING (ring) JOIN market USING (ring) LEFT JOIN makers USING (ring)
WHERE trades >= $min_trades AND windows_netted >= $min_windows AND netted_volume >= $netted_share * volume
ORDER BY ring
"""


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """One episode a ring, market and change: a version whenever the ring traded again or its members changed."""
    edges = groupby(_edges(lifted_pairs(engine)), key=lambda pair: tuple(pair[name] for name in PLACE))
    groups = [group for _place, pairs in edges for group in _components(list(pairs))]
    members = [
        {"ring": ring, **{name: pairs[0][name] for name in PLACE}, "account_id": account}
        for ring, (accounts, pairs) in enumerate(groups)
        for account in accounts
    ]
    engine.register("ring_members", pa.Table.from_pylist(members, MEMBERS))
    findings = []
    for row in _rings(engine, settings):
        accounts, pairs = groups[row["ring"]]
        same = (row["symbol"], row["product"], accounts)
        findings.append(Finding(same, row["grid"], row["news"], _episode(row, accounts, pairs)))
    yield from versions(findings)


def _edges(pairs: pd.DataFrame) -> list[dict[Hashable, Any]]:
    settings = filter_settings()
    traded = pairs[proven_pairs(pairs) | pairs["thin_market"] & (pairs["n"] >= settings["min_trades"])]
    rows: list[dict[Hashable, Any]] = traded.sort_values([*PLACE, "a", "b"]).to_dict("records")
    return rows


def _components(pairs: list[dict[Hashable, Any]]) -> list[tuple[tuple[str, ...], list[dict[Hashable, Any]]]]:
    """The groups that the pairs of one market and run hold together, each with its pairs."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_edges_from((pair["a"], pair["b"]) for pair in pairs)
    groups = sorted(tuple(sorted(members)) for members in nx.connected_components(graph))
    place = {account: number for number, accounts in enumerate(groups) for account in accounts}
    in_group: list[list[dict[Hashable, Any]]] = [[] for _ in groups]
    for pair in pairs:
        in_group[place[pair["a"]]].append(pair)
    return list(zip(groups, in_group, strict=True))


def _rings(engine: DuckDBEngine, settings: Settings) -> list[dict[str, Any]]:
    shared = filter_settings()
    window = int(shared["window_days"])
    engine.connection.execute(
        "CREATE OR REPLACE TEMP TABLE people_asked AS SELECT DISTINCT account_id FROM ring_members"
    )
    find_trades_of_people(engine)
    engine.connection.execute(filled(LEGS, day=DAY_US, window=window))
    engine.connection.execute(
        filled(
            NETTED,
            day=DAY_US,
            window=window,
            widths=[int(width * SECOND_US) for width in settings["windows_s"]],
            margin=float(settings["net_margin"]),
            min_legs=int(settings["min_legs"]),
            inside_share=float(settings["inside_share"]),
        )
    )
    rings = filled(
        RINGS,
        day=DAY_US,
        window=window,
        min_windows=int(settings["min_windows"]),
        netted_share=float(settings["netted_share"]),
        min_trades=int(shared["min_trades"]),
        most=EVIDENCE_ROWS,
    )
    rows: list[dict[str, Any]] = engine.run(rings).to_pylist()
    return rows


def _episode(row: dict[str, Any], accounts: tuple[str, ...], pairs: list[dict[Hashable, Any]]) -> Episode:
    lifts = [pair["lift"] for pair in pairs]
    return Episode(
        pattern="wash_ring",
        accounts=accounts,
        symbol=row["symbol"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        known_at=row["grid"] * DAY_US,
        measures={
            "members": len(accounts),
            "trades": row["trades"],
            "volume_usd": float(row["volume"]) / SECOND_US,
            "windows_netted": row["windows_netted"],
            "netted_share": float(row["netted_volume"]) / float(row["volume"]) if row["volume"] else 0.0,
            "net_share": row["net_share"],
            "lift_max": max(lifts),
            "lift_min": min(lifts),
            "mutual_share_min": min(pair["mutual_share"] for pair in pairs),
            "symbol_volume_share": row["symbol_volume_share"],
            "span_hours": (row["ended_at"] - row["started_at"]) / (3_600 * SECOND_US),
            "market_makers": row["market_makers"],
            "thin_market": any(pair["thin_market"] for pair in pairs),
            "perp": row["product"] == "perp",
        },
        evidence=tuple(("trades", trade["trade_id"], trade["ts"], sold(trade)) for trade in row["rows"]),
        evidence_total=row["trades"],
        links=tuple(
            (pair["a"], pair["b"], "wash_pair", f"{pair['n']} trades, {pair['lift']:.1f} times chance", pair["lift"])
            for pair in pairs
        ),
    )


WASH_RING = Pattern(
    "wash_ring",
    "D03",
    "5.3",
    "accounts that trade in circles: they meet far more often than chance, or mostly each other, and all return",
    Path(__file__).with_suffix(".yaml"),
    {
        **dict.fromkeys(
            (
                "members",
                "trades",
                "volume_usd",
                "windows_netted",
                "netted_share",
                "net_share",
                "lift_max",
                "lift_min",
                "mutual_share_min",
                "symbol_volume_share",
                "span_hours",
                "market_makers",
            ),
            float,
        ),
        "thin_market": bool,
        "perp": bool,
    },
    ("accounts", "order_events", "trades", "fact_legs"),
    detect,
)
