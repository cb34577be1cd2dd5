"""Samples accounts that no rule asks about, so that reviews also show what rules and models miss.

Without them labels would only confirm what was looked for (docs/methods.md#labels-and-feedback). Each sample is taken
from a known pool; the case keeps the method and the probability, and no estimate is weighted by them yet.
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
"""Of all reviews of a run (docs/methods.md#labels-and-feedback)."""
POOLED = 0.05
"""The share of accounts, highest first by its measure, that forms the pool of a method with a measure."""


@dataclass(frozen=True, slots=True)
class SamplingMethod:
    """How a random sample is taken: its part of all samples, and what a reviewer reads about it."""

    part: float
    says: str


RANDOM_SAMPLE = "random"
SAMPLING_METHODS: Mapping[str, SamplingMethod] = {
    RANDOM_SAMPLE: SamplingMethod(
        0.5, "It is a random sample of all accounts that were active in the last 30 days and are not under review."
    ),
    "disagreement": SamplingMethod(
        0.3,
        "It is a random sample of the accounts with the highest violation probabilities that no rule flags.",
    ),
    "novel": SamplingMethod(
        0.2,
        "It is a random sample of the accounts that are most unusual although their violation probabilities are low.",
    ),
}


@dataclass(frozen=True, slots=True)
class SampledAccount:
    """One sampled account, by which method and with what probability, given that no earlier method sampled it."""

    account: str
    method: str
    probability: float


def sampled_accounts(
    vectors: pd.DataFrame, scores: Mapping[str, Scores], suspected: Collection[str], reviews: int
) -> Iterator[SampledAccount]:
    """At most a tenth of all reviews; the same moment samples the same accounts.

    Args:
        vectors: account_id, as_of and features, a row an account.
        scores: by account.
        suspected: accounts that are reviewed anyway.
        reviews: how many reviews the run opens otherwise.
    """
    wanted = int(reviews * SHARE / (1 - SHARE))
    left = vectors[(vectors["active_days_30d"] > 0) & ~vectors["account_id"].isin(suspected)]
    if not wanted or left.empty:
        return
    moment = str(microseconds(left["as_of"].iloc[0]))
    random = np.random.default_rng(zlib.crc32(moment.encode()))
    pools = _pools(left, scores)
    counts = _shared_out(wanted, [SAMPLING_METHODS[method].part for method in pools])
    taken: set[str] = set()
    for (method, pool), count in zip(pools.items(), counts, strict=True):
        free = pool[~pool.isin(taken)]
        chosen = _evenly(free, count, random)
        for account in chosen:
            yield SampledAccount(account, method, len(chosen) / len(free))
        taken.update(chosen)


def _pools(left: pd.DataFrame, scores: Mapping[str, Scores]) -> dict[str, pd.Series]:
    """By method, the accounts it samples from; a method whose scores are missing is left out.

    The pool of all accounts is sorted by their groups, so that the samples cover all groups.
    """
    accounts = left["account_id"].astype(str)
    groups = segments_of(left)
    pools = {RANDOM_SAMPLE: accounts.loc[groups.sort_values(list(groups.columns), kind="stable").index]}
    scores_in_order = [scores.get(account, Scores()) for account in accounts]
    likely = pd.Series(
        [max(account_scores.violation_probability.values(), default=np.nan) for account_scores in scores_in_order],
        left.index,
    )
    unusual = pd.Series(
        [
            np.nan if account_scores.anomaly_score is None else account_scores.anomaly_score
            for account_scores in scores_in_order
        ],
        left.index,
    )
    size = max(1, int(np.ceil(POOLED * len(left))))
    if likely.notna().any():
        pools["disagreement"] = accounts.loc[likely.nlargest(size).index]
    if likely.notna().any() and unusual.notna().any():
        novel = unusual.rank(pct=True) - likely.rank(pct=True)
        pools["novel"] = accounts.loc[novel.nlargest(size).index]
    return pools


def _evenly(pool: pd.Series, count: int, random: np.random.Generator) -> list[str]:
    """`count` of the pool at even steps from a random start: each with the same probability."""
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
