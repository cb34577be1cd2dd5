"""Judges accounts that open one position together: how synchronous, at what price, against what limit and market."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import SECOND_US
from features.kernel.thresholds import Settings
from features.patterns.shared.episode import Episode, Measure
from features.patterns.shared.synchronised_opens import Burst

TICK_DAYS_US = 30 * 86_400 * SECOND_US
MEASURES: Mapping[str, type] = {
    "sync_ms": float,
    "sync_accounts": float,
    "sync_loose_accounts": float,
    "sync_strict": bool,
    "price_range_ticks": float,
    "combined_usd": float,
    "limit_usd": float,
    "combined_to_limit": float,
    "each_within_limit": bool,
    "entities": float,
    "market_usd": float,
    "ring_usd": float,
    "market_share": float,
    "outside_accounts": float,
    "conditions_met": float,
}

MARKET = """
SELECT trade_id, notional_usd, maker_account_id, taker_account_id FROM trades
WHERE symbol = $symbol AND product = 'perp' AND ts >= $first AND ts <= $closes AND ts < $known_at
  AND known_from <= $known_at
ORDER BY trade_id
"""
POSITIONS = """
SELECT account_id, CAST(sum(in_128_bits(quantity * 1e9)) AS DOUBLE) / 1e9 AS quantity FROM (
    SELECT account_id, CASE side WHEN 'buy' THEN quantity ELSE -quantity END AS quantity
    FROM fact_legs WHERE symbol = $symbol AND product = 'perp' AND ts <= $last AND known_from <= $known_at)
GROUP BY account_id
"""
LIMITS = """
SELECT owner_id, max_leverage, max_notional_usd FROM position_limits
WHERE symbol = $symbol AND coalesce(product, 'perp') = 'perp' AND valid_from <= $last
  AND (valid_to IS NULL OR valid_to > $last) AND known_from <= $known_at
"""
OWNERS = """
SELECT account_id, owner.owner_id AS owner_id FROM (
    SELECT account_id, arg_max(struct_pack(owner_id := owner_id), known_from) AS owner FROM accounts
    WHERE known_from <= $known_at GROUP BY account_id) WHERE owner.owner_id IS NOT NULL
"""
TICK = """
SELECT tick_size FROM instruments WHERE symbol = $symbol AND product = 'perp' AND valid_from <= $at
  AND (valid_to IS NULL OR valid_to > $at) AND known_from <= $known_at ORDER BY valid_from DESC LIMIT 1
"""
MIN_STEP = """
SELECT min(step) FROM (SELECT round(price - lag(price) OVER (ORDER BY price), 9) AS step FROM (
    SELECT DISTINCT price FROM trades
    WHERE symbol = $symbol AND product = 'perp' AND ts BETWEEN $since AND $known_at AND known_from <= $known_at))
WHERE step > 0
"""


@dataclass(frozen=True, slots=True)
class EvaluatedWindow:
    """One window that was looked at: its name, which later looks at it share, and what was found, by strength."""

    window: tuple[Hashable, ...]
    episodes: tuple[tuple[int, Episode], ...]


EvaluateWindows = Callable[[int, int | None], Iterable[EvaluatedWindow]]


@dataclass(frozen=True, slots=True)
class EvaluatedGroup:
    """Accounts of one window and which of the conditions B to E hold for them (A is whether they are linked).

    See docs/methods.md#position-limit-rule.

    Attributes:
        measures: what was measured, by the names of `MEASURES`.
        strict: B, synchronous: at least `min_accounts` within `sync_ms`.
        loose: at least `min_accounts` within `sync_loose_ms`.
        same_price: C. evades: D, together over the limit and each within it. dominates: E, a large market share.
        opens: the accounts' opens in the window.
    """

    measures: Mapping[str, Measure]
    first: int
    last: int
    known_at: int
    opens: pd.DataFrame
    strict: bool
    loose: bool
    same_price: bool
    evades: bool
    dominates: bool


def revised(windows: EvaluateWindows, settings: Settings) -> Iterator[Episode]:
    """Of overlapping windows over the same accounts the strongest, judged when a window closes and again for late rows.

    `looks` is called with how late rows may be known to count, and with the lateness of the call before; after the
    first call it gives only windows in which rows arrived since. What a later look changes or no longer finds is
    superseded then.
    """
    width = int(settings["window_s"] * SECOND_US)
    by_window: dict[tuple[Hashable, ...], EvaluatedWindow] = {}
    current: list[Episode] = []
    judged_before: int | None = None
    for lateness in (int(seconds * SECOND_US) for seconds in settings["lateness_s"]):
        by_window |= {window.window: window for window in windows(lateness, judged_before)}
        strongest = list(_strongest([ranked for window in by_window.values() for ranked in window.episodes], width))
        # What another finding hid until now is known from now on.
        new = [
            replace(e, known_at=max(e.known_at, e.started_at + width + lateness)) for e in _without(strongest, current)
        ]
        superseded = _without(current, strongest)
        for episode in superseded:
            in_its_place = [e.known_at for e in new if same_burst(episode, e, width)]
            ends = min(in_its_place, default=episode.started_at + width + lateness)
            yield replace(episode, superseded_at=min(ends, episode.superseded_at or ends))
        current = [*_without(current, superseded), *new]
        judged_before = lateness
    yield from current


def judge(
    engine: DuckDBEngine, burst: Burst, accounts: frozenset[str], settings: Settings, lateness: int
) -> EvaluatedGroup | None:
    """The accounts of a burst, judged by what was known `lateness` microseconds after the window closed.

    None where not even the loose synchrony holds: then no conjunction of docs/methods.md#position-limit-rule can.
    """
    own = burst.opens[burst.opens["account_id"].isin(list(accounts))]
    strict = _densest(own, int(settings["sync_ms"] * 1_000))
    loose = _densest(own, int(settings["sync_loose_ms"] * 1_000))
    enough = settings["min_accounts"]
    strict_n, loose_n = strict["account_id"].nunique(), loose["account_id"].nunique()
    if max(strict_n, loose_n) < enough:
        return None
    judged_on = strict if strict_n >= enough else loose
    first, last = int(judged_on["ts"].min()), int(judged_on["ts"].max())
    closes = first + int(settings["window_s"] * SECOND_US)
    known_at = closes + lateness
    market = _market(engine, burst.symbol, judged_on, accounts, (first, closes, known_at))
    limits = _positions(engine, burst, accounts, own, known_at)
    price_range = float(judged_on["price"].max() - judged_on["price"].min())
    ticks = round(price_range / _tick(engine, burst.symbol, first, known_at), 6)
    sync_strict = bool(strict_n >= enough and strict_n >= settings["sync_share"] * loose_n)
    same_price = bool(ticks <= settings["price_ticks"])
    evades = bool(
        limits["combined_usd"] > limits["limit_usd"] and limits["each_within_limit"] and limits["entities"] > 1
    )
    dominates = bool(
        market["market_share"] >= settings["market_share"]
        and market["market_usd"] >= settings["min_market_usd"]
        and market["outside_accounts"] >= settings["min_outside_accounts"]
    )
    return EvaluatedGroup(
        measures={
            "sync_ms": float((last - first) / 1_000),
            "sync_accounts": int(strict_n),
            "sync_loose_accounts": int(loose_n),
            "sync_strict": sync_strict,
            "price_range_ticks": ticks,
            **limits,
            **market,
            "conditions_met": sum((sync_strict, same_price, evades, dominates)),
        },
        first=first,
        last=last,
        known_at=known_at,
        opens=own,
        strict=sync_strict,
        loose=loose_n >= enough,
        same_price=same_price,
        evades=evades,
        dominates=dominates,
    )


def evidence(judged: EvaluatedGroup, side: str) -> tuple[tuple[str, str, int, str], ...]:
    """Every open of the accounts in the window, by time."""
    return tuple(
        (
            "trades",
            str(row["trade_id"]),
            int(row["ts"]),
            f"{row['account_id']} opened {side} {row['notional_usd']:,.0f} USD at {row['price']:g}",
        )
        for row in judged.opens.to_dict("records")
    )


def _densest(opens: pd.DataFrame, width: int) -> pd.DataFrame:
    """The opens of the most accounts (then the largest notional) within `width` microseconds, ends included."""
    times = opens["ts"].to_numpy()
    best, best_rank = opens.iloc[:0], (-1, -1.0)
    for start in range(len(opens)):
        inside = opens.iloc[start : np.searchsorted(times, times[start] + width, side="right")]
        rank = (inside["account_id"].nunique(), float(inside["notional_usd"].sum()))
        if rank > best_rank:
            best, best_rank = inside, rank
    return best


def _market(
    engine: DuckDBEngine, symbol: str, judged_on: pd.DataFrame, accounts: frozenset[str], span: tuple[int, int, int]
) -> dict[str, float]:
    first, closes, known_at = span
    trades = engine.frame(filled(MARKET, symbol=symbol, first=first, closes=closes, known_at=known_at))
    ring = set(judged_on["account_id"])
    opened = trades["trade_id"].isin(list(judged_on["trade_id"]))
    by_ring = trades["maker_account_id"].isin(list(ring)) | trades["taker_account_id"].isin(list(ring))
    everyone = set(trades["maker_account_id"]) | set(trades["taker_account_id"])
    market_usd = float(trades["notional_usd"].sum())
    ring_usd = float(trades.loc[opened | by_ring, "notional_usd"].sum())
    return {
        "market_usd": market_usd,
        "ring_usd": ring_usd,
        "market_share": ring_usd / market_usd if market_usd else 0.0,
        "outside_accounts": len(everyone - accounts),
    }


def _positions(
    engine: DuckDBEngine, burst: Burst, accounts: frozenset[str], own: pd.DataFrame, known_at: int
) -> dict[str, float]:
    """Positions after the fills against the limits of each declared entity (D_limit).

    See docs/methods.md#position-limit-rule.
    """
    last = int(own["ts"].max())
    positions = engine.frame(filled(POSITIONS, symbol=burst.symbol, last=last, known_at=known_at))
    quantities = positions.set_index("account_id")["quantity"]
    price = own.groupby("account_id")["price"].last()
    direction = 1 if burst.side == "buy" else -1
    position = {a: max(0.0, direction * float(quantities.get(a, 0.0)) * float(price[a])) for a in sorted(accounts)}
    owners = engine.frame(filled(OWNERS, known_at=known_at)).set_index("account_id")["owner_id"]
    entity = {a: str(owners.get(a, a)) for a in accounts}
    limits = engine.frame(filled(LIMITS, symbol=burst.symbol, last=last, known_at=known_at))
    leverage = own.groupby("account_id")["leverage"].max()
    limit = {a: _limit_of(limits, owners.get(a), leverage.get(a)) for a in accounts}
    return {
        "combined_usd": sum(position.values()),
        "limit_usd": max(limit.values()),
        "combined_to_limit": sum(position.values()) / max(limit.values()),
        "each_within_limit": all(position[a] <= limit[a] for a in accounts),
        "entities": len(set(entity.values())),
    }


def _limit_of(limits: pd.DataFrame, owner: object, leverage: object) -> float:
    """The limit of the leverage tier an account is in: its owner's own one before everybody's; none = unlimited."""
    own = limits[limits["owner_id"] == owner] if isinstance(owner, str) else limits.iloc[:0]
    candidates = own if len(own) else limits[limits["owner_id"].isna()]
    if candidates.empty:
        return float("inf")
    used = float(leverage) if isinstance(leverage, int | float) and leverage == leverage else 0.0
    tiers = candidates.assign(tier=candidates["max_leverage"].fillna(np.inf))
    reachable = tiers[tiers["tier"] >= used]
    chosen = reachable[reachable["tier"] == reachable["tier"].min()] if len(reachable) else tiers
    return float(chosen["max_notional_usd"].min())


def _tick(engine: DuckDBEngine, symbol: str, at: int, known_at: int) -> float:
    declared = engine.frame(filled(TICK, symbol=symbol, at=at, known_at=known_at))["tick_size"]
    if len(declared):
        return float(declared.iloc[0])
    smallest = filled(MIN_STEP, symbol=symbol, since=at - TICK_DAYS_US, known_at=known_at)
    step = engine.run(smallest).column(0)[0].as_py()
    return float(step) if step else 1e-9


def _without(episodes: list[Episode], others: list[Episode]) -> list[Episode]:
    """The episodes that are not, whenever they were known, among the others."""
    among = {(e.accounts, e.symbol, e.started_at, tuple(e.measures.items())) for e in others}
    return [e for e in episodes if (e.accounts, e.symbol, e.started_at, tuple(e.measures.items())) not in among]


def same_burst(episode: Episode, other: Episode, window: int) -> bool:
    """Whether two episodes of one symbol begin within a window of each other and share accounts."""
    shared = set(episode.accounts) & set(other.accounts)
    return episode.symbol == other.symbol and abs(episode.started_at - other.started_at) <= window and bool(shared)


def _strongest(ranked: list[tuple[int, Episode]], window: int) -> Iterator[Episode]:
    """Of the episodes of one symbol that share accounts and overlap in time: the strongest, then the largest group."""
    taken: list[Episode] = []

    def rank(item: tuple[int, Episode]) -> tuple[float, ...]:
        strength, episode = item
        measures = episode.measures
        conditions, combined = float(measures["conditions_met"] or 0), float(measures["combined_usd"] or 0)
        return (-strength, -len(episode.accounts), -conditions, -combined, episode.started_at)

    for _, episode in sorted(ranked, key=rank):
        overlapping = any(same_burst(e, episode, window) for e in taken)
        if not overlapping:
            taken.append(episode)
            yield episode
