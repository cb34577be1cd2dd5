"""The M Score's scale: 0 to 1000 points, 500 at a probability of one tenth, 60 to double the odds.

See docs/methods.md#m-score-scale.
"""

import math

import numpy as np

from models.vectors import Floats

ANCHOR_POINTS = 500.0
ANCHOR_LOG_ODDS = math.log(0.10 / 0.90)
POINTS_PER_LOG_ODDS = 60 / math.log(2)
MAX_SCORE = 1000.0


def points_of(log_odds: Floats) -> Floats:
    """Points before clipping.

    >>> points_of(np.log(np.array([0.1, 0.5, 0.95]) / np.array([0.9, 0.5, 0.05]))).round().tolist()
    [500.0, 690.0, 945.0]
    """
    return ANCHOR_POINTS + POINTS_PER_LOG_ODDS * (log_odds - ANCHOR_LOG_ODDS)


def clipped(points: Floats) -> Floats:
    """Points as people see them, 0 to 1000."""
    return np.clip(points, 0.0, MAX_SCORE)


def log_odds_of_points(points: float) -> float:
    """The log-odds that give so many points.

    >>> round(log_odds_of_points(500.0), 6) == round(ANCHOR_LOG_ODDS, 6)
    True
    """
    return ANCHOR_LOG_ODDS + (points - ANCHOR_POINTS) / POINTS_PER_LOG_ODDS
