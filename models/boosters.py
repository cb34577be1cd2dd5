"""One LightGBM ensemble with its calibration folded in: log-odds that add up, stored as plain text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import lightgbm as lgb
import numpy as np
from scipy.special import expit

from features.errors import Invalid
from models.calibration import Platt, fit_platt
from models.splits import Plan
from models.vectors import Flags, Floats

# One thread: LightGBM's threads wait spinning, which on a busy machine takes three times as long as a single one.
FIXED = {
    "objective": "binary",
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides a booster besides the rows: LightGBM parameters, number of trees, seed."""

    parameters: Mapping[str, Any]
    rounds: int
    seed: int

    def fit(self, matrix: Floats, positive: Flags, weights: Floats) -> lgb.Booster:
        """A booster fitted to the rows; the same rows and seed give the same booster."""
        data = lgb.Dataset(matrix, positive.astype(np.float64), weight=weights)
        return lgb.train({**FIXED, **self.parameters, "seed": self.seed}, data, num_boost_round=self.rounds)


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


def hold_out(recipe: Recipe, plan: Plan, matrix: Floats, positive: Flags, weights: Floats) -> HeldOut:
    """The margins of every tested row, from the booster of its fold."""
    margins = np.full(len(positive), np.nan)
    fold_of = np.full(len(positive), -1)
    for number, fold in enumerate(plan.folds):
        booster = recipe.fit(matrix[fold.train], positive[fold.train], weights[fold.train])
        margins[fold.test] = booster.predict(matrix[fold.test], raw_score=True)
        fold_of[fold.test] = number
    return HeldOut(margins, fold_of)


@dataclass(frozen=True, slots=True)
class CalibratedBooster:
    """A booster and the line from its margin to calibrated log-odds."""

    booster: lgb.Booster
    platt: Platt

    def log_odds(self, matrix: Floats) -> Floats:
        """Calibrated log-odds, one a row."""
        # One thread: for few rows starting threads costs more than scoring, and callers may come from many threads.
        margins = self.booster.predict(matrix, raw_score=True, num_threads=1)
        return self.platt.log_odds(np.asarray(margins, dtype=np.float64))

    def probability(self, matrix: Floats) -> Floats:
        """Calibrated probability, one a row."""
        return np.asarray(expit(self.log_odds(matrix)), dtype=np.float64)

    def contributions(self, matrix: Floats) -> tuple[float, Floats]:
        """Base and contributions (rows x features) that add up to the calibrated log-odds (TreeSHAP, exact)."""
        margins = np.asarray(self.booster.predict(matrix, pred_contrib=True, num_threads=1), dtype=np.float64)
        base = self.platt.slope * float(margins[0, -1]) + self.platt.intercept if len(margins) else 0.0
        return base, self.platt.slope * margins[:, :-1]

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
