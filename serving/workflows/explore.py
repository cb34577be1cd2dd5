"""Draws accounts that nothing calls suspicious, so that reviews also show what rules and models miss (methods 6.5).

Without them labels would only ever confirm what was looked for. Each draw is by lot from a known pool, and the case
keeps by which and with what probability, so that what such reviews find holds for all accounts.
"""

import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.pipeline import microseconds
from models.segments import segments_of
from serving.account_state import Scores

SHARE = 0.10
"""Of all reviews of a run (methods 6.5)."""
POOLED = 0.05
"""So large a share of the accounts, those that lead by a measure, is the pool of a draw that has one."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of drawing: its part of the draws, and what a reviewer reads about it."""

    part: float
    says: str


WAYS: Mapping[str, Way] = {
    "random": Way(0.5, "It was drawn by lot from all accounts that were active in the last 30 days."),
    "disagreement": Way(
        0.3, "It was drawn by lot from those to which the models give the highest probabilities while no rule fires."
    ),
    "novel": Way(0.2, "It was drawn by lot from those that behave most unusually while no violation model knows them."),
}


@dataclass(frozen=True, slots=True)
class Draw:
    """An account drawn: in which way, and with what probability it could be."""

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
        reviews: how many reviews the run opens.
    """
    wanted = int(reviews * SHARE / (1 - SHARE))
    left = vectors[(vectors["active_days_30d"] > 0) & ~vectors["account_id"].isin(suspected)]
    if not wanted or left.empty:
        return
    moment = str(microseconds(left["as_of"].iloc[0]))
    random = np.random.default_rng(zlib.crc32(moment.encode()))
    counts = _shared_out(wanted, [way.part for way in WAYS.values()])
    taken: set[str] = set()
    for (way, pool), count in zip(_pools(left, scores).items(), counts, strict=True):
        free = pool[~pool.isin(taken)]
        chosen = _evenly(free, count, random)
        for account in chosen:
            yield Draw(account, way, len(chosen) / len(free))
        taken.update(chosen)


def _pools(left: pd.DataFrame, scores: Mapping[str, Scores]) -> dict[str, pd.Series]:
    """By way: the accounts it draws from; the random one in the order of their groups, which spreads the draws."""
    accounts = left["account_id"].astype(str)
    unusual = accounts.map(lambda name: (scores[name].anomaly_score if name in scores else None) or 0.0)
    likely = accounts.map(
        lambda name: max(scores[name].violation_probability.values(), default=0.0) if name in scores else 0.0
    )
    novel = unusual.rank(pct=True) - likely.rank(pct=True)
    size = max(1, int(np.ceil(POOLED * len(left))))
    groups = segments_of(left)
    return {
        "random": accounts.loc[groups.sort_values(list(groups.columns), kind="stable").index],
        "disagreement": accounts.loc[likely.nlargest(size).index],
        "novel": accounts.loc[novel.nlargest(size).index],
    }


def _evenly(pool: pd.Series, count: int, random: np.random.Generator) -> list[str]:
    """So many of the pool at even steps from a random start: each with the same probability."""
    if not count or pool.empty:
        return []
    step = len(pool) / min(count, len(pool))
    places = (random.random() * step + step * np.arange(min(count, len(pool)))).astype(int)
    return [str(account) for account in pool.iloc[np.minimum(places, len(pool) - 1)]]


def _shared_out(total: int, parts: list[float]) -> list[int]:
    """Whole numbers in these proportions that make up the total, the largest remainders first.

    >>> _shared_out(4, [0.5, 0.3, 0.2])
    [2, 1, 1]
    """
    exact = total * np.array(parts)
    whole = np.floor(exact).astype(int)
    for place in np.argsort(whole - exact, kind="stable")[: total - whole.sum()]:
        whole[place] += 1
    return [int(count) for count in whole]
