"""How good scores are: ranking, calibration and counts for one split."""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from models.calibration import expected_calibration_error
from models.vectors import Flags, Floats

Metrics = dict[str, float]
FALSE_POSITIVE_RATE = 0.05


def ranking_metrics(scores: Floats, positive: Flags, weights: Floats | None = None) -> Metrics:
    """AUC, average precision and recall at 5 % false positives, with the numbers of rows they rest on.

    Where one class is missing only the counts are given: nothing can be ranked.
    """
    counts = {"positives": float(positive.sum()), "negatives": float((~positive).sum())}
    if not counts["positives"] or not counts["negatives"]:
        return counts
    false, true, _ = roc_curve(positive, scores, sample_weight=weights)
    return {
        "auc": float(roc_auc_score(positive, scores, sample_weight=weights)),
        "average_precision": float(average_precision_score(positive, scores, sample_weight=weights)),
        "recall_at_5_percent_false": float(np.max(true[false <= FALSE_POSITIVE_RATE], initial=0.0)),
        **counts,
    }


def probability_metrics(probability: Floats, positive: Flags, weights: Floats | None = None) -> Metrics:
    """The ranking metrics plus accuracy at one half, Brier score and calibration error (10 bins)."""
    share = np.ones(len(positive)) if weights is None else weights
    if len(positive) == 0:
        return ranking_metrics(probability, positive)
    return {
        **ranking_metrics(probability, positive, weights),
        "accuracy": float(np.average((probability > 0.5) == positive, weights=share)),
        "brier": float(np.average((probability - positive) ** 2, weights=share)),
        "calibration_error": expected_calibration_error(probability, positive, share),
    }


def at_budget(tested: pd.DataFrame, budget: float) -> Flags:
    """Which rows are among the `budget` highest scores of their UTC day; a row counts as many accounts as its weight.

    Args:
        tested: as_of, score and weight; of equal scores the first rows come first.
    """
    order = np.lexsort((np.arange(len(tested)), -tested["score"].to_numpy(dtype=float)))
    ranked = tested.iloc[order]
    before = ranked.groupby(ranked["as_of"].dt.floor("D"))["weight"].cumsum() - ranked["weight"]
    chosen = np.zeros(len(tested), dtype=bool)
    chosen[order] = (before < budget).to_numpy()
    return chosen


def budget_metrics(tested: pd.DataFrame, budget: float) -> Metrics:
    """Of the alerts that a daily budget allows: precision, recall and alerts a day."""
    alerts, positive = at_budget(tested, budget), tested["positive"].to_numpy(dtype=bool)
    weight = tested["weight"].to_numpy(dtype=float)
    shown = float(weight[alerts].sum())
    return {
        "precision": float(weight[alerts & positive].sum() / shown) if shown else 0.0,
        "recall": float(weight[alerts & positive].sum() / weight[positive].sum()) if positive.any() else 0.0,
        "alerts_a_day": shown / max(1, tested["as_of"].dt.floor("D").nunique()),
    }
