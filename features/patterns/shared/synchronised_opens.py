"""Synchronised opens: bursts of position opens in one direction by accounts that share an identifier.

The candidates of docs/methods.md#d26-position-limit-evasion. Everything is read as of the burst: sessions of the last
day, identifiers of the last 30 days.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa

from features.activity.files import identifier
from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.facts.link_settings import LINK_SETTINGS, address_weight, weight_of
from features.kernel.moments import DAY_US, HOUR_US, SECOND_US
from features.kernel.thresholds import Settings

Shared = tuple[str, str]
Edges = Mapping[tuple[str, str], tuple[tuple[str, str, float], ...]]
Components = tuple[tuple[frozenset[str], Edges], ...]
HOLDING = ("trade_id", "account_id", "kind", "value", "used_at", "known_from")
LINKED_AS = {"device": "device", "address": "withdrawal_address"}

# No case stands without `min_accounts` within the loose synchrony: opens far from any such crowd are left out, before
# their orders are looked up. The filter counts whatever is known by now, so it keeps more than a judgement may see.
NEAR_CROWDS = """
CREATE OR REPLACE TEMP TABLE opens AS
WITH legs AS NOT MATERIALIZED (
    SELECT row_id AS trade_id, ts, known_from, symbol, product, price, quantity, notional_usd, account_id, order_id,
           side, NOT maker AS taker
    FROM fact_legs WHERE effect = 'open' AND product = 'perp' AND NOT liquidation),
slots AS (SELECT symbol, side, ts // $sync AS slot, count(DISTINCT account_id) AS accounts FROM legs GROUP BY ALL),
crowded AS (
    SELECT DISTINCT one.symbol, one.side, one.slot * $sync // $window + step AS block FROM slots AS one
    LEFT JOIN slots AS next ON (next.symbol, next.side, next.slot) = (one.symbol, one.side, one.slot + 1),
    unnest([-1, 0, 1, 2]) AS around(step)
    WHERE one.accounts + coalesce(next.accounts, 0) >= $enough),
near AS MATERIALIZED (
    SELECT legs.* FROM legs
    SEMI JOIN crowded ON crowded.symbol = legs.symbol AND crowded.side = legs.side
     AND crowded.block = legs.ts // $window),
placed AS (
    SELECT order_id, arg_min(source, known_from) AS source, arg_min(leverage, known_from) AS leverage,
           min(known_from) AS placed_known
    FROM order_events SEMI JOIN near USING (order_id) WHERE event = 'new' GROUP BY order_id)
SELECT near.*, placed.leverage FROM near
LEFT JOIN placed ON placed.order_id = near.order_id AND placed.placed_known <= near.known_from
WHERE coalesce(placed.source, 'web') NOT IN ('copy', 'grid', 'liquidation')
"""

# An identifier is held at the burst if it was used in the look-back; each judgement sees what was known by then.
HELD = """
CREATE OR REPLACE TEMP TABLE held AS
WITH used AS (
    SELECT account_id, 'ip' AS kind, ip AS value, ts, known_from FROM sessions
    UNION ALL SELECT account_id, 'device', device_id, ts, known_from FROM sessions WHERE device_id IS NOT NULL),
addresses AS (
    SELECT account_id, 'address' AS kind, address AS value, ts, known_from FROM transfers
    WHERE direction = 'withdrawal' AND counterparty_type = 'self_hosted' AND address IS NOT NULL),
may_link AS (
    SELECT kind, value FROM (FROM used UNION ALL FROM addresses) SEMI JOIN opens USING (account_id)
    GROUP BY ALL HAVING count(DISTINCT account_id) >= 2)
SELECT DISTINCT o.trade_id, o.account_id, o.symbol, o.side, o.ts, u.kind, u.value, u.ts AS used_at, u.known_from
FROM opens AS o JOIN (FROM used SEMI JOIN may_link USING (kind, value)) AS u
  ON u.account_id = o.account_id AND u.ts BETWEEN o.ts - $lookback AND o.ts + $slack
UNION ALL
SELECT DISTINCT o.trade_id, o.account_id, o.symbol, o.side, o.ts, a.kind, a.value, a.ts, a.known_from
FROM opens AS o JOIN (FROM addresses SEMI JOIN may_link USING (kind, value)) AS a
  ON a.account_id = o.account_id AND a.ts BETWEEN o.ts - $days AND o.ts
"""

# Who used the identifiers that at least two openers share; all others can link nobody.
USED = """
CREATE OR REPLACE TEMP TABLE used_shared AS
WITH shared AS (SELECT kind, value FROM held GROUP BY ALL HAVING count(DISTINCT account_id) >= 2),
used AS (
    SELECT 'ip' AS kind, ip AS value, account_id, ts, known_from FROM sessions
    UNION ALL SELECT 'device', device_id, account_id, ts, known_from FROM sessions
    UNION ALL SELECT 'address', address, account_id, ts, known_from FROM transfers WHERE direction = 'withdrawal')
SELECT used.* FROM used SEMI JOIN shared USING (kind, value)
"""

# Opens from which on two accounts that share an identifier open within the window.
SEEDS = """
CREATE OR REPLACE TEMP TABLE seeds AS
SELECT DISTINCT symbol, side, ts FROM (
    SELECT symbol, side, ts,
           count(DISTINCT account_id) OVER (PARTITION BY symbol, side, kind, value ORDER BY ts
               RANGE BETWEEN CURRENT ROW AND $window FOLLOWING) AS together
    FROM held)
WHERE together >= 2
"""
NEAR_SEEDS = """
SEMI JOIN (SELECT DISTINCT symbol, side, ts // $window + step AS block FROM seeds, unnest([0, 1]) AS s(step)) AS near
  ON near.symbol = found.symbol AND near.side = found.side AND near.block = found.ts // $window
"""

DEGREES = """
SELECT kind, value, count(DISTINCT account_id) AS holders
FROM used_shared JOIN (SELECT DISTINCT kind, value FROM asked) USING (kind, value)
WHERE ts BETWEEN $since AND $judged_at - 1 AND known_from <= $judged_at
GROUP BY ALL
"""


@dataclass(frozen=True, slots=True)
class Burst:
    """Opens of one window and direction with the components of linked accounts among them, if there are any.

    Attributes:
        anchor: the moment at which the window begins.
        opens: the opens in the window, by time (columns of the `opens` table); none where nobody is linked.
        components: linked groups of accounts, each with its edges (a, b) -> ((kind, value, weight), …).
    """

    symbol: str
    side: str
    anchor: int
    opens: pd.DataFrame
    components: Components


def near_crowds(engine: DuckDBEngine, settings: Settings) -> None:
    """Fills the engine's `opens` with every open by a person that lies near enough of them in the same second(s)."""
    engine.connection.execute(
        filled(
            NEAR_CROWDS,
            sync=int(settings["sync_loose_ms"] * 1_000),
            window=int(settings["window_s"] * SECOND_US),
            enough=int(settings["min_accounts"]),
        )
    )


def prepare(engine: DuckDBEngine, settings: Settings) -> None:
    """Fills the engine's `seeds`, `opens`, `held` and `used_shared`, which `bursts` reads."""
    near_crowds(engine, settings)
    engine.connection.execute(
        filled(
            HELD,
            lookback=int(settings["lookback_h"] * HOUR_US),
            slack=int(settings["session_slack_ms"] * 1_000),
            days=int(LINK_SETTINGS["session_days"] * DAY_US),
        )
    )
    window = int(settings["window_s"] * SECOND_US)
    engine.connection.execute(filled(SEEDS, window=window))
    for name in ("opens", "held"):
        near = f"SELECT found.* FROM {identifier(name)} AS found {filled(NEAR_SEEDS, window=window)}"
        engine.create(name, near, temporary=True)
    engine.connection.execute(USED)


def again(tables: Sequence[str], window: int, judged_before: int | None) -> str:
    """SQL to keep those `anchors` in whose window rows of the tables came after a judgement; all where it is None.

    Few rows did. The opens of a window may begin at its end, and they are judged over a window of their own.
    """
    if judged_before is None:
        return ""
    rows = " UNION ALL ".join(f"SELECT symbol, ts, known_from FROM {identifier(table)}" for table in tables)
    late = f"""
    SEMI JOIN (
        SELECT symbol, ts, known_from, unnest([ts // $window - 2, ts // $window - 1, ts // $window]) AS block
        FROM ({rows}) WHERE known_from > ts + $judged_before) AS late
    ON late.symbol = anchors.symbol AND late.block = anchors.ts // $window
    AND late.ts BETWEEN anchors.ts AND anchors.ts + 2 * $window
    AND late.known_from > anchors.ts + $window + $judged_before"""
    return filled(late, window=window, judged_before=judged_before)


def bursts(engine: DuckDBEngine, settings: Settings, lateness: int, judged_before: int | None) -> Iterator[Burst]:
    """Every window of opens that may hold `min_accounts` linked accounts, anchored at each candidate open.

    Args:
        lateness: microseconds after the window's end by which a row must be known to count.
        judged_before: the lateness of the judgement before this one; only windows with later rows are looked at.
    """
    window = int(settings["window_s"] * SECOND_US)
    late = again(("trades", "held"), window, judged_before)
    seeds = engine.frame(f"FROM seeds AS anchors {late} ORDER BY symbol, side, ts")
    if seeds.empty:
        return
    opens = engine.frame("SELECT * FROM opens ORDER BY symbol, side, ts, trade_id, account_id")
    holdings_frame = engine.frame("SELECT * FROM held ORDER BY symbol, side, ts")
    by_market = dict(tuple(opens.groupby(["symbol", "side"])))
    held_by_market = dict(tuple(holdings_frame.groupby(["symbol", "side"])))
    for market, anchors in seeds.groupby(["symbol", "side"]):
        rows, holdings = by_market[market], held_by_market[market]
        times, known_from, held_times = (
            column.to_numpy() for column in (rows["ts"], rows["known_from"], holdings["ts"])
        )
        accounts, trades = rows["account_id"].to_numpy(object), rows["trade_id"].to_numpy(object)
        holding = [holdings[name].to_numpy(object) for name in HOLDING]
        for anchor in anchors["ts"].tolist():
            judged_at = anchor + window + lateness
            here = slice(times.searchsorted(anchor), times.searchsorted(anchor + window, side="right"))
            is_visible = (known_from[here] <= judged_at) & (times[here] < judged_at)
            components: Components = ()
            if (times[here][is_visible] == anchor).any() and _crowded(
                times[here][is_visible], accounts[here][is_visible], settings
            ):
                there = slice(held_times.searchsorted(anchor), held_times.searchsorted(anchor + window, side="right"))
                shared = _shared([column[there] for column in holding], set(trades[here][is_visible]), judged_at)
                components = _components(engine, shared, anchor, judged_at, settings)
            inside = rows.iloc[here][is_visible] if components else rows.iloc[:0]
            yield Burst(str(market[0]), str(market[1]), anchor, inside, components)


def _crowded(times: np.ndarray, accounts: np.ndarray, settings: Settings) -> bool:
    """Whether enough different accounts open within the loose synchrony at all."""
    ends = times.searchsorted(times + int(settings["sync_loose_ms"] * 1_000), side="right")
    enough, opening = settings["min_accounts"], accounts.tolist()
    return any(len(set(opening[start:end])) >= enough for start, end in enumerate(ends) if end - start >= enough)


def _shared(holding: Sequence[np.ndarray], trades: set[str], judged_at: int) -> dict[Shared, tuple[str, ...]]:
    """The identifiers (rows of `HOLDING`) that at least two accounts of the trades were known to use, with them."""
    holders: dict[Shared, set[str]] = {}
    for trade, account, kind, value, used_at, known_from in zip(*holding, strict=True):
        if known_from <= judged_at and used_at < judged_at and trade in trades:
            holders.setdefault((kind, value), set()).add(account)
    return {identifier: tuple(sorted(using)) for identifier, using in holders.items() if len(using) >= 2}


def _components(
    engine: DuckDBEngine, shared: Mapping[Shared, tuple[str, ...]], anchor: int, judged_at: int, settings: Settings
) -> Components:
    if not _may_connect(shared.values(), int(settings["min_accounts"])):
        return ()
    weights = _weights(engine, shared, anchor, judged_at)
    graph: nx.Graph[str] = nx.Graph()
    # The heaviest value of a kind stands for a pair, of equal ones the first: each kind counts once.
    for (kind, value), accounts in sorted(shared.items(), key=lambda item: (-weights[item[0]], item[0])):
        weight = weights[kind, value]
        if weight <= 0:
            continue
        for i, account in enumerate(accounts):
            for other in accounts[i + 1 :]:
                edge = graph.get_edge_data(account, other, {"weight": 0.0, "by": ()})
                if kind not in {kind_of_link for kind_of_link, _value, _weight in edge["by"]}:
                    by = (*edge["by"], (kind, value, weight))
                    graph.add_edge(account, other, weight=edge["weight"] + weight, by=by)
    weak = [edge for edge in graph.edges() if graph.edges[edge]["weight"] < LINK_SETTINGS["association_weight"]]
    graph.remove_edges_from(weak)
    components = []
    for members in nx.connected_components(graph):
        if len(members) >= settings["min_accounts"]:
            pairs = sorted((min(pair), max(pair)) for pair in graph.subgraph(members).edges())
            edges = {pair: tuple(sorted(graph.edges[pair]["by"])) for pair in pairs}
            components.append((frozenset(members), edges))
    return tuple(sorted(components, key=lambda component: sorted(component[0])))


def _may_connect(groups: Collection[tuple[str, ...]], enough: int) -> bool:
    """Whether the shared identifiers could join enough accounts at all, before anything is weighed."""
    graph: nx.Graph[str] = nx.Graph()
    for accounts in groups:
        nx.add_path(graph, accounts)
    return any(len(members) >= enough for members in nx.connected_components(graph))


def _weights(
    engine: DuckDBEngine, shared: Mapping[Shared, tuple[str, ...]], anchor: int, judged_at: int
) -> dict[Shared, float]:
    """The weight of each shared identifier: addresses by coverage, hot identifiers none.

    See docs/methods.md#account-links.
    """
    engine.register("asked", pa.table({"kind": [k for k, _ in shared], "value": [v for _, v in shared]}))
    since = anchor - int(LINK_SETTINGS["session_days"] * DAY_US)
    degrees = engine.run(filled(DEGREES, since=since, judged_at=judged_at)).to_pylist()
    holders = {(row["kind"], row["value"]): int(row["holders"]) for row in degrees}
    weights: dict[Shared, float] = {}
    for (kind, value), accounts in shared.items():
        degree = max(holders.get((kind, value), 0), len(accounts))
        together = len(accounts) / degree
        weights[kind, value] = address_weight(degree, together) if kind == "ip" else weight_of(LINKED_AS[kind], degree)
    return weights
