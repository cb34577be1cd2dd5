"""Lockstep: accounts that trade a symbol in the same second, or in the same minutes and direction, again and again.

A global pattern: it runs at each UTC midnight over a trailing window. Engine orders, market makers with an agreement
and minutes in which a crowd trades are left out. Whether two accounts coincide more than the market's own rhythm
explains is judged pair by pair (`pair_rhythm`), and the false discovery rate is held over the pairs of a run.

See docs/methods.md#d21-collusion.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import networkx as nx
import pandas as pd
from scipy.stats import false_discovery_control

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import DAY_US, SECOND_US
from features.kernel.thresholds import Settings
from features.kernel.units import CENTS
from features.patterns.shared.daily_runs import Finding, versions
from features.patterns.shared.episode import EVIDENCE_ROWS, Episode, Pattern
from features.patterns.shared.pair_rhythm import Minutes, Rhythm, rhythm

LINK_COLUMNS = ("b", "known_from", "known_until", "probability_micro")
Links = Mapping[str, list[tuple[str, int, float, int]]]
MEASURES: Mapping[str, type] = dict.fromkeys(
    (
        "accounts",
        "support",
        "jaccard",
        "bins",
        "correlation",
        "p_value",
        "symbols",
        "days",
        "volume_usd",
        "market_share",
        "link_probability",
    ),
    float,
)

# What a person chose to do: aggressive fills of orders that no engine placed; the fills of one order are one action.
ACTIONS = """
CREATE OR REPLACE TEMP TABLE lock_actions AS
WITH engines AS (
    SELECT order_id, min(known_from) AS known FROM order_events
    WHERE event = 'new' AND source IN ('copy', 'grid', 'liquidation') GROUP BY order_id),
makers AS (SELECT account_id, min(known_from) AS known FROM accounts WHERE market_maker GROUP BY account_id),
taken AS (
    SELECT t.taker_account_id AS account, t.symbol, t.taker_side = 'buy' AS buy, t.ts, t.trade_id, t.known_from,
           cents_usd(t.notional_usd) AS cents, coalesce(t.taker_order_id, t.trade_id) AS action
    FROM trades AS t LEFT JOIN engines AS e ON e.order_id = t.taker_order_id AND e.known <= t.known_from
    LEFT JOIN makers AS m ON m.account_id = t.taker_account_id AND m.known <= t.known_from
    WHERE NOT t.liquidation AND e.order_id IS NULL AND m.account_id IS NULL)
SELECT account, symbol, buy, ts, cents, trade_id, ts // $bin AS bin, ts // $day AS day,
       (greatest(known_from, ts + 1) + $day - 1) // $day AS first_grid
FROM taken QUALIFY row_number() OVER (PARTITION BY account, action ORDER BY known_from, ts, trade_id) = 1
"""

# An account's minutes in a symbol; a crowd's minutes are left out, as counted when their day ended.
BINS = """
CREATE OR REPLACE TEMP TABLE lock_bins AS
WITH crowds AS (
    SELECT symbol, bin FROM lock_actions WHERE first_grid <= day + 1
    GROUP BY ALL HAVING count(DISTINCT account) > $most)
SELECT account, symbol, bin, min(day) AS day, min(first_grid) AS first_grid
FROM lock_actions ANTI JOIN crowds USING (symbol, bin) GROUP BY ALL
"""
CANDIDATES = """
WITH matched AS (
    SELECT one.account AS a, other.account AS b, symbol, one.day,
           greatest(one.first_grid, other.first_grid) AS first_grid
    FROM lock_bins AS one JOIN lock_bins AS other USING (symbol, bin) WHERE one.account < other.account),
often AS (SELECT a, b, symbol FROM matched GROUP BY ALL HAVING count(*) >= $support),
runs AS (
    SELECT a, b, symbol, grid, count(*) AS bins
    FROM matched SEMI JOIN often USING (a, b, symbol), unnest(generate_series(first_grid, day + $days)) AS g(grid)
    GROUP BY ALL HAVING count(*) >= $support),
people AS (SELECT a AS account, symbol FROM often UNION SELECT b, symbol FROM often),
active AS (
    SELECT account, symbol, grid, count(*) AS bins
    FROM lock_bins SEMI JOIN people USING (account, symbol),
         unnest(generate_series(first_grid, day + $days)) AS g(grid) GROUP BY ALL)
SELECT r.a, r.b, r.symbol, r.grid FROM runs AS r
JOIN active AS x ON (x.account, x.symbol, x.grid) = (r.a, r.symbol, r.grid)
JOIN active AS y ON (y.account, y.symbol, y.grid) = (r.b, r.symbol, r.grid)
WHERE r.bins >= $bin_jaccard * (x.bins + y.bins - r.bins)
ORDER BY r.grid, r.symbol, r.a, r.b
"""
MINUTES = """
SELECT l.account, l.symbol, l.buy, l.bin, l.ts, l.day, l.first_grid, l.cents, l.trade_id FROM lock_actions AS l
SEMI JOIN (SELECT DISTINCT symbol, bin FROM lock_bins
           JOIN (SELECT DISTINCT symbol, account FROM asked) AS q USING (symbol, account)) AS b USING (symbol, bin)
ORDER BY l.symbol, l.ts, l.account, l.trade_id
"""
MARKET = """
SELECT symbol, day, first_grid, in_64_bits(sum(cents)) AS cents FROM lock_actions
SEMI JOIN (SELECT DISTINCT symbol FROM asked) AS q USING (symbol) GROUP BY ALL ORDER BY ALL
"""
LINKED = """
SELECT least(a.account_id, a.other_id) AS a, greatest(a.account_id, a.other_id) AS b, a.known_from,
       a.known_until, a.probability_micro
FROM fact_associations AS a JOIN (SELECT DISTINCT account FROM asked) AS q ON q.account = a.account_id
WHERE a.account_id < a.other_id AND NOT a.declared
"""


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """Groups of at least three accounts in lockstep, each valid until a run finds more in it or finds it no longer."""
    engine.connection.execute(filled(ACTIONS, bin=int(settings["bin_s"] * SECOND_US), day=DAY_US))
    engine.connection.execute(filled(BINS, most=int(settings["max_in_bin"])))
    candidates = engine.frame(
        filled(
            CANDIDATES,
            support=int(settings["support"]),
            days=int(settings["window_days"]),
            bin_jaccard=settings["bin_jaccard"],
        )
    )
    if candidates.empty:
        return
    markets = pd.concat([candidates[["a", "symbol"]].rename(columns={"a": "account"}), _second(candidates)])
    engine.connection.register("asked", markets.drop_duplicates())
    minutes = Minutes(engine.frame(MINUTES), engine.frame(MARKET), settings)
    links: Links = {
        str(a): list(zip(*(rows[name].tolist() for name in LINK_COLUMNS), strict=True))
        for a, rows in engine.frame(LINKED).groupby("a")
    }
    yield from versions(_findings(candidates, minutes, links, settings))


def _second(candidates: pd.DataFrame) -> pd.DataFrame:
    return candidates[["b", "symbol"]].rename(columns={"b": "account"})


def _findings(candidates: pd.DataFrame, minutes: Minutes, links: Links, settings: Settings) -> Iterator[Finding]:
    before: dict[tuple[str, ...], int] = {}
    for grid, pairs in candidates.groupby("grid"):
        run = int(str(grid))
        for members, rhythms in _groups(minutes, run, pairs, settings):
            newest = max(rhythm_of_pair.newest_grid for rhythm_of_pair in rhythms)
            news = newest > before.get(members, 0)
            yield Finding(members, run, news, _episode(members, rhythms, run, links, minutes))
            before[members] = newest


def _groups(
    minutes: Minutes, run: int, pairs: pd.DataFrame, settings: Settings
) -> Iterator[tuple[tuple[str, ...], list[Rhythm]]]:
    """The groups that pairs in lockstep form, with the rhythm of each pair in each symbol."""
    pairs_by_symbol = list(zip(pairs["a"], pairs["b"], pairs["symbol"], strict=True))
    partners: dict[tuple[str, str], set[str]] = {}
    for a, b, symbol in pairs_by_symbol:
        partners.setdefault((a, symbol), set()).add(b)
        partners.setdefault((b, symbol), set()).add(a)
    judged = [
        rhythm(minutes, a, b, symbol, run, partners[a, symbol] | partners[b, symbol])
        for a, b, symbol in pairs_by_symbol
    ]
    significant = (
        false_discovery_control([pair_rhythm.p_value for pair_rhythm in judged]) <= settings["false_discovery_rate"]
    )
    in_step = [
        pair_rhythm
        for pair_rhythm, enough in zip(judged, significant, strict=True)
        if enough and _together(pair_rhythm, settings)
    ]
    graph: nx.Graph[str] = nx.Graph([(pair_rhythm.a, pair_rhythm.b) for pair_rhythm in in_step])
    groups = sorted(nx.connected_components(graph), key=min)
    place = {account: number for number, connected in enumerate(groups) for account in connected}
    in_group: list[list[Rhythm]] = [[] for _ in groups]
    for pair_rhythm in in_step:
        in_group[place[pair_rhythm.a]].append(pair_rhythm)
    for connected, rhythms in zip(groups, in_group, strict=True):
        days = {day for pair_rhythm in rhythms for day in pair_rhythm.days}
        symbols = {pair_rhythm.symbol for pair_rhythm in rhythms}
        repeated = max(len(days), len(symbols)) >= settings["min_days"]
        if repeated and settings["min_accounts"] <= len(connected) <= settings["max_accounts"]:
            yield tuple(sorted(connected)), rhythms


def _together(pair: Rhythm, settings: Settings) -> bool:
    """In the same seconds (docs/methods.md#d21-collusion, B), or in the same minutes and direction (A)."""
    in_step = pair.support >= settings["support"] and pair.jaccard >= settings["jaccard"]
    return bool(in_step or (pair.bins >= settings["bins"] and pair.correlation >= settings["correlation"]))


def _episode(members: tuple[str, ...], rhythms: list[Rhythm], run: int, links: Links, minutes: Minutes) -> Episode:
    known_at = run * DAY_US
    trades = {trade.trade_id: trade for pair in rhythms for trade in pair.matched}
    ordered = sorted(trades.values(), key=lambda trade: (trade.ts, trade.trade_id))
    own, market_volume = minutes.volume(rhythms, run)
    return Episode(
        pattern="lockstep",
        accounts=members,
        symbol=", ".join(sorted({pair.symbol for pair in rhythms})),
        started_at=ordered[0].ts,
        ended_at=ordered[-1].ts,
        known_at=known_at,
        superseded_at=known_at + DAY_US,
        measures={
            "accounts": len(members),
            "support": max(pair.support for pair in rhythms),
            "jaccard": max(pair.jaccard for pair in rhythms),
            "bins": max(pair.bins for pair in rhythms),
            "correlation": max(pair.correlation for pair in rhythms),
            "p_value": max(pair.p_value for pair in rhythms),
            "symbols": len({pair.symbol for pair in rhythms}),
            "days": len({day for pair in rhythms for day in pair.days}),
            "volume_usd": own / CENTS,
            "market_share": own / market_volume if market_volume else 0.0,
            "link_probability": _link_probability(members, links, known_at),
        },
        evidence=tuple(
            ("trades", trade.trade_id, trade.ts, f"{trade.account} {trade.did} {trade.cents / CENTS:,.0f} USD in step")
            for trade in ordered[:EVIDENCE_ROWS]
        ),
        evidence_total=len(ordered),
        links=tuple((pair.a, pair.b, "lockstep", pair.symbol, round(pair.jaccard, 3)) for pair in rhythms),
    )


def _link_probability(members: tuple[str, ...], links: Links, known_at: int) -> float:
    """The largest probability, as it stood at the run, that two of the members have one controller nobody declared."""
    others = set(members)
    probabilities = (
        probability_micro
        for account in members
        for other, known_from, known_until, probability_micro in links.get(account, ())
        if other in others and known_from <= known_at and not known_until <= known_at
    )
    return float(max(probabilities, default=0)) / 1e6


LOCKSTEP = Pattern(
    "lockstep",
    "D21",
    "5.4",
    "accounts that trade in the same seconds or minutes again and again",
    Path(__file__).with_suffix(".yaml"),
    MEASURES,
    ("accounts", "order_events", "trades", "fact_associations"),
    detect,
)
