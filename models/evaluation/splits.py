"""Who is trained on and who is tested: rolling time splits with a gap, or stratified folds, groups kept together."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from features.kernel.moments import DAY_US
from models.parameters import EvaluationParameters
from models.vectors import Flags, Rows, series_microseconds

MIN_POSITIVES = 5


@dataclass(frozen=True, slots=True)
class Fold:
    """Row numbers to train on and row numbers to test; no group is in both."""

    train: Rows
    test: Rows


@dataclass(frozen=True, slots=True)
class Plan:
    """The folds of one evaluation and, in words, how they were made; each row is tested at most once."""

    protocol: str
    folds: tuple[Fold, ...]

    def without(self, rows: Flags) -> "Plan":
        """The same folds, testing none of these rows: something was chosen on them."""
        folds = tuple(Fold(fold.train, fold.test[~rows[fold.test]]) for fold in self.folds)
        return Plan(self.protocol, tuple(fold for fold in folds if len(fold.test)))


def plan_folds(
    frame: pd.DataFrame,
    positive: Flags,
    groups: NDArray[np.str_],
    settings: EvaluationParameters,
    folds: int,
    seed: int,
) -> Plan | None:
    """A rolling time split where the rows share enough moments and positives, else stratified grouped folds.

    Rows of one UTC day count as one moment. None where there are too few positives or groups to test anything.
    """
    moment = np.floor(series_microseconds(frame["as_of"]) / DAY_US)
    shared = _shared_moments(frame, moment, settings)
    if len(shared) >= settings.moments:
        rolled = _usable(tuple(_rolling(moment, shared, positive, groups, settings, seed)), positive)
        tested = sum(int(positive[fold.test].sum()) for fold in rolled)
        if tested >= MIN_POSITIVES:
            gap = _gap(len(shared), settings)
            return Plan(
                f"rolling time split over {len(shared)} moments, gap of {gap} moment(s), "
                f"tested groups never trained on",
                rolled,
            )
    return grouped_folds(positive, groups, folds, seed)


def grouped_folds(positive: Flags, groups: NDArray[np.str_], folds: int, seed: int) -> Plan | None:
    """Stratified folds over all rows, groups kept together; None where one group holds all of a class."""
    usable = _usable(tuple(_grouped(positive, groups, folds, seed)), positive)
    return Plan(f"stratified {len(usable)}-fold cross-validation, groups kept together", usable) if usable else None


def _shared_moments(frame: pd.DataFrame, moment: NDArray[np.float64], settings: EvaluationParameters) -> list[float]:
    accounts = frame["account_id"].to_numpy()
    counts = pd.Series(accounts).groupby(moment).nunique()
    enough = counts >= max(2.0, settings.shared_share * pd.Series(accounts).nunique())
    return sorted(float(value) for value in counts.index[enough.to_numpy()])


def _gap(n_moments: int, settings: EvaluationParameters) -> int:
    return min(settings.gap_moments, max(0, n_moments - 2))


def _rolling(
    moment: NDArray[np.float64],
    shared: list[float],
    positive: Flags,
    groups: NDArray[np.str_],
    settings: EvaluationParameters,
    seed: int,
) -> Iterator[Fold]:
    gap = _gap(len(shared), settings)
    width = max(1, len(shared) // 6)
    rolls = min(settings.rolls, max(1, (len(shared) - gap - 1) // width))
    part = group_parts(positive, groups, settings.group_folds, seed)
    for roll in reversed(range(rolls)):
        first = len(shared) - (roll + 1) * width
        last_us = shared[first + width - 1]
        learnt = moment <= shared[first - gap - 1]
        tested = (moment >= shared[first]) & (moment <= last_us)
        for number in range(settings.group_folds):
            yield Fold(np.flatnonzero(learnt & (part != number)), np.flatnonzero(tested & (part == number)))


def group_parts(positive: Flags, groups: NDArray[np.str_], parts: int, seed: int) -> NDArray[np.intp]:
    """The part of every row's group: groups with positives are dealt out first, so that each part has its share."""
    names, member = np.unique(groups, return_inverse=True)
    has_positive = np.zeros(len(names), dtype=bool)
    np.logical_or.at(has_positive, member, positive)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(~has_positive[order], kind="stable")]
    part = np.empty(len(names), dtype=np.intp)
    part[order] = np.arange(len(names)) % parts
    dealt: NDArray[np.intp] = part[member]
    return dealt


def _grouped(positive: Flags, groups: NDArray[np.str_], folds: int, seed: int) -> Iterator[Fold]:
    count = min(folds, len(np.unique(groups[positive])), len(np.unique(groups[~positive])))
    if count < 2:
        return
    splitter = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=seed)
    for train, test in splitter.split(np.zeros((len(positive), 1)), positive, groups):
        yield Fold(train, test)


def _usable(folds: tuple[Fold, ...], positive: Flags) -> tuple[Fold, ...]:
    """The folds from which something can be learned: both classes in training."""
    return tuple(
        fold
        for fold in folds
        if len(fold.test) and positive[fold.train].sum() >= 2 and (~positive[fold.train]).sum() >= 2
    )
