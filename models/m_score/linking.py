"""Links a version of the M Score to the one before, so that nobody jumps because a model was retrained.

The link is a straight line: its slope is that of the line nearest to the equipercentile mapping of the same accounts,
its level brings the medians together. A curve would follow that mapping exactly, but the points of the pillars would no
longer add up to the score.

See docs/methods.md#m-score-scale.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.stats import spearmanr

from models.evaluation.metrics import Metrics
from models.vectors import Floats

FEW_POINTS = 40.0
"""A change of score that few accounts should exceed on the day of a new version (docs/methods.md#m-score-scale)."""


@dataclass(frozen=True, slots=True)
class Link:
    """Log-odds of one version on the scale of the versions before; of the first version, as they are."""

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def between(cls, own: Floats, earlier: Floats) -> Self:
        """The link that brings one version's log-odds of some accounts to those the earlier version gave the same ones.

        Where a version does not tell the accounts apart, only the level is brought over.
        """
        ours, theirs = np.sort(own), np.sort(earlier)
        variance = float(ours.var())
        slope = float(np.cov(ours, theirs, bias=True)[0, 1]) / variance if variance > 0 else 0.0
        slope = slope if slope > 0 else 1.0
        return cls(slope, float(np.median(theirs) - slope * np.median(ours)))

    def __call__(self, log_odds: Floats) -> Floats:
        """The log-odds on the earlier scale."""
        return self.slope * log_odds + self.intercept


def moves(earlier: Floats, later: Floats) -> Metrics:
    """How the scores of the same accounts moved from one version, or one release, to the next.

    Args:
        earlier: points before, one an account.
        later: points after, aligned.
    """
    change = later - earlier
    return {
        "accounts": float(len(change)),
        "median_change": float(np.median(change)),
        "median_move": float(np.median(np.abs(change))),
        "within_40_points": float(np.mean(np.abs(change) <= FEW_POINTS)),
        "rank_correlation": float(spearmanr(earlier, later).statistic),
    }
