"""The risk classifier keeps scikit-learn's conventions, adds up, and calibrates on what it did not learn from."""

from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import models
from models.boosting.classifier import RiskClassifier

NOT_MEANT = {"check_sample_weight_equivalence_on_dense_data": "bagging draws rows: a weight of two is not a row twice"}


@parametrize_with_checks(  # type: ignore[untyped-decorator]  # scikit-learn is untyped
    [RiskClassifier(rounds=20, min_data_in_leaf=3, bags=1)], expected_failed_checks=lambda _: NOT_MEANT
)
def test_it_is_a_classifier_as_scikit_learn_means_it(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def payments() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Features, whether a payment was fraud (one in ten, told by two of four numbers), and whose card it was."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame(random.normal(size=(3_000, 4)), columns=["amount", "pause", "night", "age"])
    frame.loc[random.random(len(frame)) < 0.1, "pause"] = np.nan
    odds = 2 * frame["amount"] - frame["pause"].fillna(0) - 3.5
    fraud = pd.Series(random.random(len(frame)) < 1 / (1 + np.exp(-odds)), name="fraud")
    return frame, fraud, pd.Series(random.integers(0, 300, len(frame)))


def test_contributions_add_up_to_the_log_odds(payments: tuple[pd.DataFrame, pd.Series, pd.Series]) -> None:
    frame, fraud, cards = payments
    model = RiskClassifier(rounds=40).fit(frame, fraud, groups=cards)
    base, parts = model.contributions(frame)
    assert np.abs(base + parts.sum(axis=1) - model.decision_function(frame)).max() < 1e-9
    assert parts.shape == frame.shape


def test_probabilities_are_those_that_happen(payments: tuple[pd.DataFrame, pd.Series, pd.Series]) -> None:
    frame, fraud, cards = payments
    model = RiskClassifier(rounds=40).fit(frame[:2_000], fraud[:2_000], groups=cards[:2_000])
    probability = model.predict_proba(frame[2_000:])[:, 1]
    assert probability.mean() == pytest.approx(fraud[2_000:].mean(), abs=0.03)
    assert probability[fraud[2_000:]].mean() > 4 * probability[~fraud[2_000:]].mean()


def test_the_same_seed_gives_the_same_model(payments: tuple[pd.DataFrame, pd.Series, pd.Series]) -> None:
    frame, fraud, _cards = payments
    model = RiskClassifier(rounds=10, seed=3)
    one, other = (clone(model).fit(frame, fraud).decision_function(frame) for _ in range(2))
    assert (one == other).all()
    assert (one != RiskClassifier(rounds=10, seed=4).fit(frame, fraud).decision_function(frame)).any()


def test_it_works_in_pipelines_and_cross_validation(payments: tuple[pd.DataFrame, pd.Series, pd.Series]) -> None:
    frame, fraud, _cards = payments
    pipeline = make_pipeline(StandardScaler(), RiskClassifier(rounds=30, bags=1))
    assert cross_val_score(pipeline, frame, fraud, scoring="roc_auc", cv=3).mean() > 0.85


def test_too_few_groups_are_refused(payments: tuple[pd.DataFrame, pd.Series, pd.Series]) -> None:
    frame, fraud, cards = payments
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        RiskClassifier().fit(frame, fraud, groups=cards[:5])


def test_one_label_is_nothing_to_learn_from(payments: tuple[pd.DataFrame, pd.Series, pd.Series]) -> None:
    with pytest.raises(ValueError, match="one class"):
        RiskClassifier().fit(payments[0], np.zeros(len(payments[0])))


@pytest.mark.parametrize("name", sorted(models.WHERE))
def test_a_notebook_takes_what_it_needs_from_one_place(name: str) -> None:
    assert getattr(models, name) is getattr(import_module(models.WHERE[name]), name)
