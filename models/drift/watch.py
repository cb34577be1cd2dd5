"""Looks at a lake and the champions: do accounts now look like those of the weeks before (docs/methods.md#drift)?"""

from dataclasses import replace

import pandas as pd

from features.definitions import CATALOGUE
from features.kernel.errors import Invalid
from features.pipeline import Features
from models.anomaly.model import P_VALUE, SCORE, AnomalyModel
from models.drift.signs import Drift, drift_of, sequential_p_values, windowed
from models.registry.registry import Registry
from models.runs import ORDER
from models.vectors import Floats

WEEK = pd.Timedelta(days=7)
REFERENCE_WEEKS = 8


def watch(features: Features, registry: Registry, at: pd.Timestamp, seed: int) -> Drift:
    """Drift of features and of the champions' scores at a moment against the weeks before it, eight at most.

    Features whose window reaches before the activity began, at the first of these weeks, are left out: they grow.

    Raises:
        Invalid: there is no week of activity before the moment.
    """
    weeks = features.weekly()
    before = weeks[weeks["as_of"] <= at - WEEK]
    if before.empty:
        raise Invalid(f"There is no week of activity before {at:%Y-%m-%d} to compare with.")
    before = before[before["as_of"] > before["as_of"].max() - REFERENCE_WEEKS * WEEK]
    then, now = features.vectors(before), features.vectors(features.accounts(at))
    columns = windowed(CATALOGUE, before["as_of"].min() - features.span()[0].floor("D"))
    left_out = sum(feature.reach_us is not None for feature in CATALOGUE) - len(columns)
    bets: Floats | None = None
    for name in ORDER:
        scoring, _said = registry.load_usable(name, CATALOGUE)
        if scoring is None:
            continue
        model = scoring.model
        earlier, scores = model.predict(then), model.predict(now)
        if isinstance(model, AnomalyModel):
            bets = sequential_p_values(scores[SCORE].to_numpy(), model.whole.shown(model.whole.calibration), seed)
            earlier, scores = (frame.drop(columns=P_VALUE) for frame in (earlier, scores))
        then, now = pd.concat([then, earlier], axis=1), pd.concat([now, scores], axis=1)
        columns += list(scores.columns)
    return replace(drift_of(then, now, columns, p_values=bets, seed=seed), left_out=left_out)
