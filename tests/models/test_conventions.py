"""The models behave as scikit-learn means its estimators to: parameters are read, set and cloned."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_score

from features.definitions import CATALOGUE as SHIPPED
from models import AnomalyModel, MScoreModel, RiskClassifier, VectorLayout, ViolationModels
from tests.models.toy import CATALOGUE, Exchange

MODELS = [
    AnomalyModel.of(SHIPPED, seed=3),
    ViolationModels(VectorLayout.of(SHIPPED), seed=3),
    MScoreModel.of(SHIPPED, seed=3),
    RiskClassifier(seed=3),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_parameters_are_read_set_and_cloned(model: BaseEstimator) -> None:
    twin = clone(model)
    assert twin is not model
    assert twin.get_params() == model.get_params()
    assert twin.set_params(seed=4).seed == 4
    assert model.seed == 3
    assert len(repr(model)) < 1_000


def test_a_clone_is_not_fitted_and_learns_the_same(toy: Exchange) -> None:
    model = AnomalyModel.of(CATALOGUE).fit(toy.vectors)
    twin = clone(model)
    assert not hasattr(twin, "whole")
    assert twin.fit(toy.vectors).score_samples(toy.vectors).tolist() == model.score_samples(toy.vectors).tolist()


def test_the_anomaly_model_is_cross_validated_by_account(toy: Exchange) -> None:
    guilty = toy.vectors["account_id"].isin(toy.labels["account_id"])

    def ranking(model: AnomalyModel, rows: pd.DataFrame, truth: pd.Series) -> float:
        return float(roc_auc_score(truth, -model.score_samples(rows)))

    folds = GroupKFold(3)
    found = cross_val_score(
        AnomalyModel.of(CATALOGUE), toy.vectors, guilty, groups=toy.vectors["account_id"], cv=folds, scoring=ranking
    )
    assert np.isfinite(found).all()
    assert found.mean() > 0.5
