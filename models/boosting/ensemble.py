"""One LightGBM ensemble with its calibration folded in: log-odds that add up, stored as plain text."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from features.kernel.errors import Invalid
from models.calibration import Platt, fit_platt
from models.evaluation.splits import MIN_POSITIVES, Plan, group_parts
from models.vectors import Flags, Floats

# One thread: LightGBM's threads wait spinning, which on a busy machine takes three times as long as a single one.
FIXED = {
    "objective": "binary",
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
}
PARTS = 5


@dataclass(frozen=True, slots=True)
class BoosterSettings:
    """All that decides a booster besides the rows: LightGBM parameters, number of trees, seed.

    Attributes:
        rounds: the number of trees; with `patience` the most there may be.
        patience: after so many trees without a better average precision `stopped_early` stops; None: it never does.
    """

    parameters: Mapping[str, Any]
    rounds: int
    seed: int
    patience: int | None = None

    def fit(self, matrix: Floats, positive: Flags, weights: Floats) -> lgb.Booster:
        """A booster fitted to the rows; the same rows and seed give the same booster."""
        data = lgb.Dataset(matrix, positive.astype(np.float64), weight=weights)
        return lgb.train({**FIXED, **self.parameters, "seed": self.seed}, data, num_boost_round=self.rounds)

    def stopped_early(self, matrix: Floats, positive: Flags, weights: Floats, groups: NDArray[np.str_]) -> Self:
        """The recipe with the number of trees at which average precision was best on a fifth of the groups, kept out.

        As it is where it has no patience, or where that fifth has too few positives to say anything.
        """
        out = group_parts(positive, groups, PARTS, self.seed) == 0
        if self.patience is None or positive[out].sum() < MIN_POSITIVES or positive[~out].sum() < MIN_POSITIVES:
            return self
        data = lgb.Dataset(matrix[~out], positive[~out].astype(np.float64), weight=weights[~out])
        watched = lgb.Dataset(matrix[out], positive[out].astype(np.float64), weight=weights[out], reference=data)
        booster = lgb.train(
            {**FIXED, **self.parameters, "seed": self.seed, "metric": "average_precision"},
            data,
            num_boost_round=self.rounds,
            valid_sets=[watched],
            callbacks=[lgb.early_stopping(self.patience, verbose=False)],
        )
        return replace(self, rounds=min(self.rounds, max(booster.best_iteration, self.patience)))


def margins_of(booster: lgb.Booster, matrix: Floats) -> Floats:
    """Raw scores (log-odds), one a row.

    In one thread: for few rows starting threads costs more than scoring; and the number is the whole process', so that
    one that differs while another thread trains crashes that training.
    """
    return np.asarray(booster.predict(matrix, raw_score=True, num_threads=1), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Margins of rows that the booster giving them had not seen, and the number of the fold each was tested in.

    Attributes:
        margins: one a row, NaN where a row was not tested.
        fold: the fold that tested the row, -1 where none did.
    """

    margins: Floats
    fold: np.ndarray

    @property
    def tested(self) -> Flags:
        """Which rows were tested."""
        tested: Flags = self.fold >= 0
        return tested

    def probabilities(self, positive: Flags, weights: Floats) -> Floats:
        """Probabilities of the tested rows, each calibrated on the other folds only, so that they can be judged."""
        result = np.full(len(self.margins), np.nan)
        for number in np.unique(self.fold[self.tested]):
            here = self.fold == number
            others = self.tested & ~here
            if positive[others].sum() == 0 or (~positive[others]).sum() == 0:
                others = self.tested
            platt = fit_platt(self.margins[others], positive[others], weights[others])
            result[here] = expit(platt.log_odds(self.margins[here]))
        return result


def hold_out(
    booster_settings: BoosterSettings,
    plan: Plan,
    matrix: Floats,
    positive: Flags,
    weights: Floats,
    groups: NDArray[np.str_],
) -> HeldOut:
    """The margins of every tested row, from the booster of its fold; when to stop is found within the fold's training.

    Args:
        groups: who must stay together, one a row.
    """
    margins = np.full(len(positive), np.nan)
    fold_of = np.full(len(positive), -1)
    for number, fold in enumerate(plan.folds):
        learned = matrix[fold.train], positive[fold.train], weights[fold.train]
        booster = booster_settings.stopped_early(*learned, groups[fold.train]).fit(*learned)
        margins[fold.test] = margins_of(booster, matrix[fold.test])
        fold_of[fold.test] = number
    return HeldOut(margins, fold_of)


@dataclass(frozen=True, slots=True)
class CalibratedBooster:
    """A booster and the line from its margin to calibrated log-odds."""

    booster: lgb.Booster
    platt: Platt

    def log_odds(self, matrix: Floats) -> Floats:
        """Calibrated log-odds, one a row."""
        return self.platt.log_odds(margins_of(self.booster, matrix))

    def probability(self, matrix: Floats) -> Floats:
        """Calibrated probability, one a row."""
        return np.asarray(expit(self.log_odds(matrix)), dtype=np.float64)

    def contributions(self, matrix: Floats) -> tuple[float, Floats]:
        """Base and contributions (rows x features) that add up to the calibrated log-odds (TreeSHAP, exact)."""
        margins = np.asarray(self.booster.predict(matrix, pred_contrib=True, num_threads=1), dtype=np.float64)
        base = self.platt.slope * float(margins[0, -1]) + self.platt.intercept if len(margins) else 0.0
        return base, self.platt.slope * margins[:, :-1]

    def columns_read(self) -> list[int]:
        """The columns that some tree splits on."""
        return [int(column) for column in np.flatnonzero(self.booster.feature_importance("split"))]

    def as_text(self) -> bytes:
        """The booster in LightGBM's own text format."""
        return str(self.booster.model_to_string()).encode()

    @classmethod
    def from_text(cls, text: bytes, platt: Platt) -> Self:
        """A booster read back.

        Raises:
            Invalid: the text is no booster.
        """
        try:
            return cls(lgb.Booster(model_str=text.decode()), platt)
        except (lgb.basic.LightGBMError, UnicodeDecodeError) as error:
            raise Invalid(f"A stored LightGBM model cannot be read: {error}.") from error
