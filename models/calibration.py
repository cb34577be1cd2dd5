"""From margins to numbers one can believe: Platt scaling, calibration error, conformal p-values, q-values."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from models.vectors import Flags, Floats


@dataclass(frozen=True, slots=True)
class Platt:
    """Calibrated log-odds as a straight line of the margin, so that an additive explanation stays additive."""

    slope: float
    intercept: float

    def log_odds(self, margins: Floats) -> Floats:
        """Calibrated log-odds.

        >>> Platt(2.0, -1.0).log_odds(np.array([0.5])).tolist()
        [0.0]
        """
        return self.slope * margins + self.intercept


def fit_platt(margins: Floats, positive: Flags, weights: Floats) -> Platt:
    """The line that makes the margins the most likely log-odds (Platt 1999, with his smoothed targets).

    The slope is never negative: margins that rank wrongly out of sample give the base rate, not an inverted score.
    """
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    target = np.where(positive, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    share = weights / weights.sum()

    def loss(line: Floats) -> tuple[float, Floats]:
        odds = line[0] * margins + line[1]
        residual = share * (expit(odds) - target)
        cross_entropy = share * (np.logaddexp(0.0, odds) - target * odds)
        return float(cross_entropy.sum()), np.array([residual @ margins, residual.sum()])

    rate = float(np.clip((share * target).sum(), 1e-9, 1 - 1e-9))
    start = np.array([0.0, np.log(rate / (1 - rate))])
    optimum = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, None), (None, None)],
        options={"ftol": 1e-14, "gtol": 1e-10, "maxiter": 500},
    )
    return Platt(float(optimum.x[0]), float(optimum.x[1]))


def expected_calibration_error(probability: Floats, positive: Flags, weights: Floats, bins: int = 10) -> float:
    """The mean gap between predicted probability and observed rate over equally wide bins, weighted by their rows.

    >>> expected_calibration_error(np.array([0.0, 1.0]), np.array([False, True]), np.ones(2))
    0.0
    """
    bin_of = np.minimum((probability * bins).astype(int), bins - 1)
    gap = np.bincount(bin_of, weights=weights * (probability - positive), minlength=bins)
    return float(np.abs(gap).sum() / weights.sum())


def conformal_p_values(scores: Floats, calibration: Floats) -> Floats:
    """How often a usual account is at least this unusual: (1 + #{calibration >= score}) / (n + 1).

    `calibration` is sorted ascending. Valid where account and calibration accounts are exchangeable.

    >>> conformal_p_values(np.array([5.0, 0.0]), np.array([1.0, 2.0, 3.0])).tolist()
    [0.25, 1.0]

    See docs/methods.md#conformal-p-values.
    """
    at_least = len(calibration) - np.searchsorted(calibration, scores, side="left")
    return np.asarray((1 + at_least) / (len(calibration) + 1), dtype=np.float64)
