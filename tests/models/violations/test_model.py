"""Tests of the violation models."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.parameters import SHIPPED
from models.targets import known_findings, row_target
from models.training import Trained
from models.vectors import VectorLayout
from models.violations.model import ViolationModels
from models.violations.typology import draw_sample
from tests.models.toy import CATALOGUE, CUTOFF, START, WEEKS, Exchange, exchange, labels_of


def half_labelled(source: str) -> pd.DataFrame:
    """Confirmed violators and a hundred cleared accounts, all from one source."""
    confirmed = [{"account_id": f"a{number:04d}", "source": source} for number in range(24)]
    cleared = [{"account_id": f"a{n:04d}", "finding": "cleared", "source": source} for n in range(100, 200)]
    return labels_of(*confirmed, *cleared)


def test_predictions_keep_the_frames_index_and_name_the_typology(toy: Exchange, violations: Trained) -> None:
    rows = toy.vectors.iloc[[5, 3, 900]]
    predicted = violations.model.predict(rows)
    assert predicted.columns.tolist() == ["violation_probability_wash_trading"]
    assert predicted.index.tolist() == [5, 3, 900]
    assert predicted.to_numpy().min() > 0
    assert predicted.to_numpy().max() < 1
    assert violations.model.predict(rows.iloc[:0]).shape == (0, 1)


def test_violators_are_found_among_accounts_nobody_has_labelled(toy: Exchange, violations: Trained) -> None:
    fresh = exchange(seed=11)
    last = fresh.vectors["as_of"] == fresh.vectors["as_of"].max()
    probability = violations.model.predict(fresh.vectors[last]).iloc[:, 0].to_numpy()
    assert set(np.argsort(-probability)[:15]) <= set(range(24))


def test_where_enough_accounts_were_cleared_only_labelled_rows_are_learned(toy: Exchange) -> None:
    moment = toy.vectors[toy.vectors["as_of"] == toy.vectors["as_of"].max()]
    model = ViolationModels(VectorLayout.of(CATALOGUE)).fit(moment, half_labelled("external"))
    study = model.studies["wash_trading"]
    assert study.labelled_only
    assert study.protocol == "stratified 10-fold cross-validation, groups kept together"
    assert len(study.tested) == 124
    assert study.metrics["held_out"]["auc"] > 0.9


def test_accounts_our_own_reviews_cleared_do_not_stand_for_all(toy: Exchange) -> None:
    target = row_target(toy.vectors, known_findings(half_labelled("review"), None), "wash_trading")
    sample = draw_sample(target, toy.vectors["account_id"].to_numpy(), SHIPPED.violations, 7)
    assert not sample.labelled_only
    assert len(sample.rows) == len(toy.vectors)


def test_unlabelled_rows_are_drawn_and_weighed_back_up(toy: Exchange) -> None:
    target = row_target(toy.vectors, known_findings(toy.labels, None), "wash_trading")
    few = replace(SHIPPED.violations, unlabelled_rows=200, unlabelled_per_positive=1)
    sample = draw_sample(target, toy.vectors["account_id"].to_numpy(), few, 7)
    assert len(sample.rows) < len(toy.vectors)
    assert sample.natural.sum() == pytest.approx(len(toy.vectors))


def test_unlabelled_rows_weigh_less_and_overturned_findings_more() -> None:
    toy = exchange(60, 12)
    labels = labels_of(
        *({"account_id": f"a{number:04d}", "onset": START, "known_at": CUTOFF} for number in range(12)),
        {"account_id": "a0050", "finding": "cleared", "source": "appeal"},
    )
    target = row_target(toy.vectors, known_findings(labels, None), "wash_trading")
    accounts = toy.vectors["account_id"].to_numpy()
    sample = draw_sample(target, accounts, SHIPPED.violations, 7)
    assert len(sample.rows) == 60 * WEEKS
    assert set(sample.learning[accounts[sample.rows] == "a0050"]) == {SHIPPED.violations.appeal_weight}
    assert set(sample.learning[accounts[sample.rows] == "a0040"]) == {SHIPPED.violations.unlabelled_weight}
    assert set(sample.natural) == {1.0}


def test_a_search_chooses_among_drawn_parameters(toy: Exchange) -> None:
    moment = toy.vectors[toy.vectors["as_of"] == toy.vectors["as_of"].max()]
    model = ViolationModels(VectorLayout.of(CATALOGUE)).fit(moment, half_labelled("external"), search=True)
    assert set(model.studies["wash_trading"].parameters) == {*SHIPPED.violations.booster, "rounds"}
