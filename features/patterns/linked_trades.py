"""Linked trades (W0, W1): trades of a market and UTC day with oneself or within a control group, one case a group.

Accounts of one declared owner are one group like those that share a document: what counts is who is on both sides.
A control that had ended before the trade links nothing; one that becomes known later links the trades before it, for
evidence of one controller (a shared address) is often left only when the money is taken out.
A desk whose strategies cross now and then is told apart by its measures: `lift` near 1, a small `own_volume_share`, and
`declared`, where all members stand under one owner whom the exchange knows.

See docs/methods.md#d03-wash-trading.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow as pa

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import DAY_US, HOUR_US
from features.kernel.thresholds import Settings
from features.kernel.units import MICRO
from features.patterns.shared.daily_runs import Finding, versions
from features.patterns.shared.episode import EVIDENCE_ROWS, Episode, Pattern
from features.patterns.shared.trades_of_people import find_trades_of_people, sold
from features.patterns.shared.wash_filter import prepare_counts

PLACE = ("symbol", "product", "day", "grid")
MEMBERS = pa.schema(
    [
        ("number", pa.int64()),
        ("symbol", pa.string()),
        ("product", pa.string()),
        ("day", pa.int64()),
        ("grid", pa.int64()),
        ("account_id", pa.string()),
    ]
)

# fact_control states both directions of a pair, which may hold several times, one after the other.
LINKED = """
CREATE OR REPLACE TEMP TABLE linked_trades AS
WITH linked AS (
    SELECT trade_id, known_from AS linked_from FROM trades WHERE maker_account_id = taker_account_id
    UNION ALL
    SELECT t.trade_id, greatest(c.known_from, t.known_from)
    FROM trades AS t JOIN fact_control AS c ON c.account_id = t.maker_account_id AND c.other_id = t.taker_account_id
    WHERE c.known_until IS NULL OR t.ts < c.known_until)
SELECT trade_id, min(linked_from) AS linked_from FROM linked GROUP BY trade_id
"""
PEOPLE = """
CREATE OR REPLACE TEMP TABLE people_asked AS
SELECT DISTINCT account_id FROM fact_legs AS l JOIN linked_trades AS t ON t.trade_id = l.row_id
"""
PAIRS = """
WITH seen AS (
    SELECT t.* REPLACE ((greatest(ts + 1, linked_from) + $day - 1) // $day AS first_grid), ts // $day AS day
    FROM trades_of_people AS t JOIN linked_trades USING (trade_id) WHERE NOT by_engine)
SELECT symbol, product, day, grid, maker_account_id AS maker, taker_account_id AS taker,
       bool_or(first_grid = grid) AS news, count(*) AS trades, in_64_bits(sum(volume)) AS volume,
       min(ts) AS first_ts, max(ts) AS last_ts,
       list(struct_pack(ts, trade_id, volume, maker := maker_account_id, taker := taker_account_id, taker_side)
            ORDER BY ts, trade_id)[:$most] AS rows
FROM seen, unnest(generate_series(first_grid, day + $lateness)) AS g(grid)
GROUP BY ALL ORDER BY grid, day, symbol, product, maker, taker
"""
MARGINS = """
WITH asked AS (SELECT DISTINCT symbol, product, day, grid FROM linked_members),
market AS (
    SELECT symbol, product, day, grid, sum(n) AS n, sum(volume) AS volume
    FROM asked JOIN wash_met AS m USING (symbol, product, day) WHERE m.first_grid <= grid GROUP BY ALL),
sides AS (
    SELECT symbol, product, day, first_grid, maker AS account_id, n AS made, 0 AS took, volume FROM wash_met
    UNION ALL SELECT symbol, product, day, first_grid, taker, 0, n, volume FROM wash_met),
own AS (
    SELECT number, sum(made) AS made, sum(took) AS took, sum(volume) AS volume
    FROM linked_members AS l JOIN sides AS s USING (symbol, product, day, account_id) WHERE s.first_grid <= l.grid
    GROUP BY number),
members AS (
    SELECT number, count(*) FILTER (latest.market_maker) AS market_makers,
           count(*) > 1 AND count(latest.owner_id) = count(*) AND count(DISTINCT latest.owner_id) = 1 AS declared
    FROM (
        SELECT l.number, l.account_id, arg_max(struct_pack(a.market_maker, a.owner_id), a.known_from) AS latest
        FROM linked_members AS l JOIN accounts AS a ON a.account_id = l.account_id AND a.known_from <= l.grid * $day
        GROUP BY ALL) GROUP BY number),
cases AS (SELECT DISTINCT number, symbol, product, day, grid FROM linked_members)
SELECT CAST(own.made * own.took AS DOUBLE) / CAST(market.n AS DOUBLE) AS expected,
       CAST(own.volume AS DOUBLE) / $micro AS own_usd, CAST(market.volume AS DOUBLE) / $micro AS market_usd,
       CAST(coalesce(market_makers, 0) AS BIGINT) AS market_makers, coalesce(declared, false) AS declared
FROM cases JOIN market USING (symbol, product, day, grid) JOIN own USING (number) LEFT JOIN members USING (number)
ORDER BY number
"""


Case = tuple[tuple[str, ...], list[dict[str, Any]]]


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """One episode a group, market and UTC day; a version whenever more about that day or the control became known."""
    prepare_counts(engine)
    engine.connection.execute(LINKED)
    engine.connection.execute(PEOPLE)
    find_trades_of_people(engine)
    lateness = int(settings["lateness_days"])
    traded = engine.run(filled(PAIRS, day=DAY_US, lateness=lateness, most=EVIDENCE_ROWS)).to_pylist()
    judged = groupby(traded, key=lambda pair: (pair["grid"], pair["day"], pair["symbol"], pair["product"]))
    cases = [case for _place, pairs in judged for case in _groups(list(pairs))]
    members = [
        {"number": number, **{name: pairs[0][name] for name in PLACE}, "account_id": account}
        for number, (accounts, pairs) in enumerate(cases)
        for account in accounts
    ]
    engine.register("linked_members", pa.Table.from_pylist(members, MEMBERS))
    margins = engine.run(filled(MARGINS, day=DAY_US, micro=MICRO)).to_pylist()
    yield from versions(
        Finding(
            (accounts, pairs[0]["symbol"], pairs[0]["product"], pairs[0]["day"]),
            pairs[0]["grid"],
            any(pair["news"] for pair in pairs),
            _episode(accounts, pairs, margin),
        )
        for (accounts, pairs), margin in zip(cases, margins, strict=True)
    )


def _groups(pairs: list[dict[str, Any]]) -> list[Case]:
    """The pairs of one market, day and run by who is linked with whom; whoever trades with itself is a group too."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_edges_from((pair["maker"], pair["taker"]) for pair in pairs)
    groups = sorted(tuple(sorted(members)) for members in nx.connected_components(graph))
    place = {account: number for number, accounts in enumerate(groups) for account in accounts}
    in_group: list[list[dict[str, Any]]] = [[] for _ in groups]
    for pair in pairs:
        in_group[place[pair["maker"]]].append(pair)
    return list(zip(groups, in_group, strict=True))


def _episode(accounts: tuple[str, ...], pairs: list[dict[str, Any]], margin: dict[str, Any]) -> Episode:
    first = pairs[0]
    trades = sum(pair["trades"] for pair in pairs)
    volume_usd = sum(pair["volume"] for pair in pairs) / MICRO
    started_at, ended_at = min(pair["first_ts"] for pair in pairs), max(pair["last_ts"] for pair in pairs)
    rows = sorted((row for pair in pairs for row in pair["rows"]), key=lambda row: (row["ts"], row["trade_id"]))
    return Episode(
        pattern="linked_trades",
        accounts=accounts,
        symbol=first["symbol"],
        started_at=started_at,
        ended_at=ended_at,
        known_at=first["grid"] * DAY_US,
        measures={
            "members": len(accounts),
            "trades": trades,
            "own_trades": sum(pair["trades"] for pair in pairs if pair["maker"] == pair["taker"]),
            "volume_usd": volume_usd,
            "lift": trades / margin["expected"],
            "own_volume_share": _share(2 * volume_usd, margin["own_usd"]),
            "symbol_volume_share": _share(volume_usd, margin["market_usd"]),
            "span_hours": (ended_at - started_at) / HOUR_US,
            "market_makers": margin["market_makers"],
            "declared": margin["declared"],
            "perp": first["product"] == "perp",
        },
        evidence=tuple(("trades", row["trade_id"], row["ts"], sold(row)) for row in rows),
        evidence_total=trades,
        links=tuple(
            (pair["maker"], pair["taker"], "linked_trades", f"{pair['trades']} trades", float(pair["trades"]))
            for pair in pairs
            if pair["maker"] != pair["taker"]
        ),
    )


def _share(part: float, whole: float) -> float:
    """A part of the whole; of trades that were worth nothing it is nothing."""
    return part / whole if whole else 0.0


LINKED_TRADES = Pattern(
    "linked_trades",
    "D03",
    "5.3",
    "trades of one market and day with oneself or within one control group",
    Path(__file__).with_suffix(".yaml"),
    {
        **dict.fromkeys(
            (
                "members",
                "trades",
                "own_trades",
                "volume_usd",
                "lift",
                "own_volume_share",
                "symbol_volume_share",
                "span_hours",
                "market_makers",
            ),
            float,
        ),
        "declared": bool,
        "perp": bool,
    },
    ("accounts", "order_events", "trades", "fact_control", "fact_legs"),
    detect,
)
