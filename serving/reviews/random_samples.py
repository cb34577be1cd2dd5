"""Draws accounts that no rule asks about, so that reviews also show what rules and models miss (methods 6.5).

Without them labels would only ever confirm what was looked for. Each draw is by lot from a known pool, and the case
keeps by which and with what probability; nothing weighs by it yet.
"""

import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.kernel.moments import microseconds
from models.evaluation.segments import segments_of
from serving.record.model import Scores

SHARE = 0.10
"""Of all reviews of a run (methods 6.5)."""
POOLED = 0.05
"""So large a share of the accounts, those that lead by a measure, is the pool of a draw that has one."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of drawing: its part of the draws, and what a reviewer reads about it."""

    part: float
    says: str


BY_LOT = "random"
WAYS: Mapping[str, Way] = {
    BY_LOT: Way(0.5, "It was drawn by lot from all others that were active in the last 30 days and not under review."),
    "disagreement": Way(
        0.3, "It was drawn by lot from those to which the models give the highest probabilities all the same."
    ),
    "novel": Way(0.2, "It was drawn by lot from those that behave most unusually while no violation model knows them."),
}


@dataclass(frozen=True, slots=True)
class Draw:
    """An account drawn: in which way, and with what probability it was, having not been drawn in a way before."""

    account: str
    way: str
    probability: float


def draws(
    vectors: pd.DataFrame, scores: Mapping[str, Scores], suspected: Collection[str], reviews: int
) -> Iterator[Draw]:
    """So many draws that they are a tenth of all reviews at most; the same moment draws the same accounts.

    Args:
        vectors: account_id, as_of and features, a row an account.
        scores: by account.
        suspected: accounts that somebody looks at anyway.
        reviews: how many reviews the run opens otherwise.
    """
    wanted = int(reviews * SHARE / (1 - SHARE))
    left = vectors[(vectors["active_days_30d"] > 0) & ~vectors["account_id"].isin(suspected)]
    if not wanted or left.empty:
        return
    moment = str(microseconds(left["as_of"].iloc[0]))
    random = np.random.default_rng(zlib.crc32(moment.encode()))
    pools = _pools(left, scores)
    counts = _shared_out(wanted, [WAYS[way].part for way in pools])
    taken: set[str] = set()
    for (way, pool), count in zip(pools.items(), counts, strict=True):
        free = pool[~pool.isin(taken)]
        chosen = _evenly(free, count, random)
        for account in chosen:
            yield Draw(account, way, len(chosen) / len(free))
        taken.update(chosen)


def _pools(left: pd.DataFrame, scores: Mapping[str, Scores]) -> dict[str, pd.Series]:
    """By way the accounts it draws from; a way whose scores nobody gave is left out.

    The pool of the lot is in the order of the accounts' groups, which spreads the draws over them.
    """
    accounts = left["account_id"].astype(str)
    groups = segments_of(left)
    pools = {BY_LOT: accounts.loc[groups.sort_values(list(groups.columns), kind="stable").index]}
    known = [scores.get(account, Scores()) for account in accounts]
    likely = pd.Series([max(one.violation_probability.values(), default=np.nan) for one in known], left.index)
    unusual = pd.Series([np.nan if one.anomaly_score is None else one.anomaly_score for one in known], left.index)
    size = max(1, int(np.ceil(POOLED * len(left))))
    if likely.notna().any():
        pools["disagreement"] = accounts.loc[likely.nlargest(size).index]
    if likely.notna().any() and unusual.notna().any():
        novel = unusual.rank(pct=True) - likely.rank(pct=True)
        pools["novel"] = accounts.loc[novel.nlargest(size).index]
    return pools


def _evenly(pool: pd.Series, count: int, random: np.random.Generator) -> list[str]:
    """So many of the pool at even steps from a random start: each with the same probability."""
    if not count or pool.empty:
        return []
    step = len(pool) / min(count, len(pool))
    places = (random.random() * step + step * np.arange(min(count, len(pool)))).astype(int)
    return [str(account) for account in pool.iloc[np.minimum(places, len(pool) - 1)]]


def _shared_out(total: int, parts: list[float]) -> list[int]:
    """Whole numbers in the proportions of the parts that make up the total, the largest remainders first.

    >>> _shared_out(4, [0.5, 0.3, 0.2])
    [2, 1, 1]
    """
    exact = total * np.array(parts) / sum(parts)
    whole = np.floor(exact).astype(int)
    for place in np.argsort(whole - exact, kind="stable")[: total - whole.sum()]:
        whole[place] += 1
    return [int(count) for count in whole]
