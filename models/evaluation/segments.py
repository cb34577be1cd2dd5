"""Groups of accounts by which figures are told apart: who is well served by a model, and who is not.

See docs/methods.md#fairness.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

from models.evaluation.metrics import Metrics, at_budget, ranking_metrics
from models.vectors import Flags

FAIR = 0.8
MIN_ROWS = 50
NEW_DAYS, SETTLED_DAYS = 30, 180


def _tenure(days: pd.Series) -> pd.Series:
    return pd.cut(days, [-np.inf, NEW_DAYS, SETTLED_DAYS, np.inf], labels=["new", "months", "settled"]).astype(str)


def _products(share: pd.Series) -> pd.Series:
    named = np.select([share.isna() | (share <= 0), share >= 1], ["spot or nothing", "perpetuals"], "both")
    return pd.Series(named, index=share.index)


SEGMENTS: Mapping[str, tuple[str, Callable[[pd.Series], pd.Series]]] = {
    "kind": ("institution", lambda flag: flag.map({0.0: "person", 1.0: "institution"})),
    "verification": ("kyc_level", lambda level: "level " + level.fillna(0).astype(int).astype(str)),
    "tenure": ("account_age_days", _tenure),
    "products": ("perp_share_30d", _products),
}


def segments_of(vectors: pd.DataFrame) -> pd.DataFrame:
    """For each row the group it belongs to, a column a segmentation; those whose feature is missing are left out."""
    return pd.DataFrame(
        {name: of(vectors[feature]) for name, (feature, of) in SEGMENTS.items() if feature in vectors.columns},
        index=vectors.index,
    )


def by_segment(tested: pd.DataFrame, budget: int) -> Iterator[tuple[str, str, Metrics]]:
    """Ranking within each group, and how often honest rows of it are among the alerts, beside everybody's rate.

    Args:
        tested: as_of, positive, score, weight and the columns of `segments_of`.
        budget: alerts a day.

    Yields:
        segmentation, group and its metrics: `false_alerts` (share of rows that are not confirmed among the alerts),
        `false_alert_ratio` (to all such rows'; below .8 or above 1.25 asks for a look, docs/methods.md#fairness), AUC
        where known.
    """
    alerts, honest = at_budget(tested, budget), ~tested["positive"].to_numpy(dtype=bool)
    weight = tested["weight"].to_numpy(dtype=float)

    def rate(rows: Flags) -> float:
        return float(np.average(alerts[rows], weights=weight[rows]))

    overall = rate(honest) if honest.any() else 0.0
    for name in (name for name in SEGMENTS if name in tested.columns):
        for group, rows in tested.groupby(name, sort=True).indices.items():
            here = np.zeros(len(tested), dtype=bool)
            here[rows] = True
            if (here & honest).sum() < MIN_ROWS:
                continue
            ranked = ranking_metrics(tested["score"].to_numpy(dtype=float)[here], ~honest[here], weight[here])
            false = rate(here & honest)
            ratio = {"false_alert_ratio": false / overall} if overall else {}
            yield name, str(group), {"rows": float(here.sum()), "false_alerts": false, **ratio, **ranked}
