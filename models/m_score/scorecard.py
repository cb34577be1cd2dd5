"""The expert's M Score for a start without history: weighted pillars, each feature by its place in the cohort."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from features.kernel.errors import Invalid
from models.m_score.scale import log_odds_of_points
from models.vectors import Floats

KNOTS = 101
POINTS_OF_1000 = 10.0


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Points of 100, shared out over pillars (docs/methods.md#m-score-target) and evenly over the features of a pillar.

    A feature earns the share of the training cohort that does less well, so doing nothing earns nothing.

    Attributes:
        weights: points of each feature, 100 together.
        directions: +1 where more is better, -1 where less is.
        quantiles: KNOTS x features, of the value times its direction.
        usual: what the cohort earns on average, one a feature, as a share.
    """

    weights: Floats
    directions: Floats
    quantiles: Floats
    usual: Floats

    @classmethod
    def fit(
        cls, matrix: Floats, pillars: Sequence[str], directions: Sequence[int], pillar_points: Mapping[str, float]
    ) -> Self:
        """The scorecard of a cohort (rows x features).

        Raises:
            Invalid: a pillar has no weight, or no feature has a direction.
        """
        sign = np.asarray(directions, dtype=np.float64)
        unknown = sorted(set(pillars) - set(pillar_points))
        if unknown:
            raise Invalid(f"The scorecard has no weight for the pillar(s) {', '.join(unknown)}.")
        counted = [pillar if direction else "" for pillar, direction in zip(pillars, directions, strict=True)]
        points = np.array([pillar_points[p] / counted.count(p) if p else 0.0 for p in counted])
        if points.sum() == 0:
            raise Invalid("No feature with a pillar has a direction, so the scorecard cannot tell better from worse.")
        signed = matrix * sign
        quantiles = np.zeros((KNOTS, matrix.shape[1]))
        for column in range(matrix.shape[1]):
            present = signed[np.isfinite(signed[:, column]), column]
            if len(present):
                quantiles[:, column] = np.quantile(present, np.linspace(0, 1, KNOTS))
        card = cls(100 * points / points.sum(), sign, quantiles, np.zeros(matrix.shape[1]))
        return cls(card.weights, card.directions, card.quantiles, card.shares(matrix).mean(axis=0))

    def shares(self, matrix: Floats) -> Floats:
        """What every value earns, 0 to 1: the share of the cohort that does less well; an unknown value earns 0."""
        signed, result = matrix * self.directions, np.zeros_like(matrix)
        ranks = np.linspace(0, 1, KNOTS)
        for column in range(matrix.shape[1]):
            knots, first = np.unique(self.quantiles[:, column], return_index=True)
            result[:, column] = np.interp(signed[:, column], knots, ranks[first], left=0.0)
        return np.nan_to_num(result, nan=0.0)

    def contributions(self, matrix: Floats) -> tuple[float, Floats]:
        """Base and contributions (rows x features) on the log-odds scale of the M Score."""
        points = POINTS_OF_1000 * self.weights
        base = log_odds_of_points(float(points @ self.usual))
        zero = log_odds_of_points(0.0)
        unit = log_odds_of_points(1.0) - zero
        return base, unit * points * (self.shares(matrix) - self.usual)

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "weights": self.weights.tolist(),
            "directions": self.directions.tolist(),
            "quantiles": self.quantiles.tolist(),
            "usual": self.usual.tolist(),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """The scorecard of `as_json`."""
        parts = ("weights", "directions", "quantiles", "usual")
        return cls(*(np.asarray(state[part], dtype=np.float64) for part in parts))
