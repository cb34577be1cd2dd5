"""Pictures of an evaluation as SVG: ROC, precision and recall, calibration."""

from typing import Any

import altair as alt
import numpy as np
import vl_convert
from sklearn.metrics import precision_recall_curve, roc_curve

from models.vectors import Flags, Floats

POINTS = 200
BINS = 10
SIZE = 220
Points = list[dict[str, float]]


def evaluation_plot(title: str, positive: Flags, score: Floats, weights: Floats, calibrated: bool = True) -> bytes:
    """ROC and precision-recall curves side by side, and the calibration curve where the score is a probability (SVG).

    Both classes must be there.
    """
    false, true, _ = roc_curve(positive, score, sample_weight=weights)
    precision, recall, _ = precision_recall_curve(positive, score, sample_weight=weights)
    panels = [
        _panel(_points(false, true), "false positive rate", "true positive rate", "ROC"),
        _panel(_points(recall[::-1], precision[::-1]), "recall", "precision", "Precision and recall"),
    ]
    if calibrated:
        reliability = _reliability(positive, score, weights)
        panels.append(_panel(reliability, "predicted probability", "observed share", "Calibration"))
    chart = alt.hconcat(*panels, title=title)
    return str(vl_convert.vegalite_to_svg(chart.to_dict())).encode()


def _points(x: Floats, y: Floats) -> Points:
    indexes = np.unique(np.linspace(0, len(x) - 1, min(POINTS, len(x))).astype(int))
    return [{"x": float(x[i]), "y": float(y[i])} for i in indexes]


def _reliability(positive: Flags, probability: Floats, weights: Floats) -> Points:
    bin_of = np.minimum((probability * BINS).astype(int), BINS - 1)
    mass = np.bincount(bin_of, weights=weights, minlength=BINS)
    predicted = np.bincount(bin_of, weights=weights * probability, minlength=BINS)
    observed = np.bincount(bin_of, weights=weights * positive, minlength=BINS)
    return [{"x": float(predicted[i] / mass[i]), "y": float(observed[i] / mass[i])} for i in range(BINS) if mass[i] > 0]


def _panel(points: Points, x: str, y: str, title: str) -> Any:
    axes = {
        "x": alt.X("x:Q", title=x, scale=alt.Scale(domain=[0, 1])),
        "y": alt.Y("y:Q", title=y, scale=alt.Scale(domain=[0, 1])),
        # Without it the points of a line are sorted by x, which breaks curves that rise or fall at one x.
        "order": alt.Order("step:Q"),
    }
    data = alt.InlineData([{**point, "step": step} for step, point in enumerate(points)])
    line = alt.Chart(data).mark_line(point=len(points) <= BINS).encode(**axes)
    return line.properties(width=SIZE, height=SIZE, title=title)
