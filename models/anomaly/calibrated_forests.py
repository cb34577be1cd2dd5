"""Isolation forests with what they found at the calibration accounts: depth becomes a score and a p-value."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from sklearn.ensemble import IsolationForest

from models.anomaly.forest import FlatForest
from models.calibration import conformal_p_values
from models.vectors import Floats


class CalibratedForests:
    """Forests averaged on normalised depth, and how unusual they find the calibration accounts.

    Attributes:
        forests: fitted to the same columns.
        calibration: the unusualness of the calibration accounts, ascending.
    """

    def __init__(self, forests: Sequence[IsolationForest], calibration: Floats) -> None:
        self.forests = tuple(forests)
        self.calibration = calibration

    @classmethod
    def calibrated(cls, forests: Sequence[IsolationForest], distances: Floats) -> "CalibratedForests":
        """The forests, calibrated on these rows."""
        made = cls(forests, np.empty(0))
        made.calibration = np.sort(made.unusualness(distances))
        return made

    def unusualness(self, distances: Floats) -> Floats:
        """The negative mean normalised depth of each row; higher = more unusual."""
        return self._flat.unusualness(distances)

    @cached_property
    def _flat(self) -> FlatForest:
        return FlatForest(self.forests)

    def shown(self, unusualness: Floats) -> Floats:
        """The score people see, 0 to 100: the share of calibration accounts that are less unusual.

        It rises strictly with the unusualness: linear between calibration accounts, exponential beyond the last. So 99
        means the same in every version, whatever the depths of its forests.
        """
        knots, first, count = np.unique(self.calibration, return_index=True, return_counts=True)
        total = len(self.calibration) + 1
        ranks = (first + (count + 1) / 2) / total
        width = max(float(knots[-1] - knots[0]) / 10, 1e-9)
        above = 1 - (1 - ranks[-1]) * np.exp(-np.maximum(unusualness - knots[-1], 0) / width)
        below = ranks[0] * np.exp(np.minimum(unusualness - knots[0], 0) / width)
        inside = np.interp(unusualness, knots, ranks)
        share = np.where(unusualness > knots[-1], above, np.where(unusualness < knots[0], below, inside))
        return np.asarray(100 * share, dtype=np.float64)

    def p_values(self, unusualness: Floats) -> Floats:
        """The conformal p-value of each row."""
        return conformal_p_values(unusualness, self.calibration)
