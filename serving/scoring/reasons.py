"""The strongest reasons of the scores of every account, kept with its state so that no request has to explain."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.catalogue import Catalogue
from models.registry.registry import LoadedModel
from models.violations import model as violations
from models.violations.model import ViolationModels
from serving.record.model import Reason

REASONS_KEPT = 3


def strongest_reasons(
    vectors: pd.DataFrame, models: Mapping[str, LoadedModel], catalogue: Catalogue
) -> dict[str, tuple[Reason, ...]]:
    """By account: what raised the probability of its most probable violation most, in words; empty without a model."""
    loaded = models.get(violations.KIND)
    if loaded is None or not isinstance(loaded.model, ViolationModels) or not loaded.model.typologies:
        return {}
    probabilities = loaded.model.predict_proba(vectors).to_numpy()
    likeliest = probabilities.argmax(axis=1)
    reasons: dict[str, tuple[Reason, ...]] = {}
    for column, typology in enumerate(loaded.model.typologies):
        rows = vectors[likeliest == column]
        if len(rows):
            additive = loaded.model.additive(rows, typology)
            strongest = np.argsort(-additive.contributions, axis=1)[:, :REASONS_KEPT]
            values = rows[list(additive.features)].to_numpy(dtype=float)
            for place, account in enumerate(rows["account_id"]):
                reasons[account] = tuple(
                    _reason(catalogue, additive.features[index], values[place, index])
                    for index in strongest[place]
                    if additive.contributions[place, index] > 0
                )
    return reasons


def _reason(catalogue: Catalogue, feature: str, value: float) -> Reason:
    clause = catalogue[feature].clause
    return Reason(feature, catalogue[feature].sentence(value), clause if clause[0].isdigit() else None)
