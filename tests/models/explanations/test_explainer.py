"""Tests of explanations."""

import json

import numpy as np
import pytest

from features.kernel.errors import Invalid, NotFound
from models.anomaly.model import AnomalyModel
from models.explanations.explainer import Explainer, Explanation
from models.m_score.model import MScoreModel
from models.training import Trained, train_m_score
from models.violations.model import ViolationModels
from tests.models.toy import CATALOGUE, OTHER_CATALOGUE, Exchange


def explainer(trained: Trained) -> Explainer:
    assert isinstance(trained.model, AnomalyModel | ViolationModels | MScoreModel)
    return Explainer(trained.model, trained.name, "3", CATALOGUE)


def error_of(explanation: Explanation) -> float:
    return abs(explanation.base + sum(part.contribution for part in explanation.contributions) - explanation.score)


@pytest.mark.parametrize("name", ["anomaly", "violations", "m_score", "scorecard"])
def test_base_and_contributions_add_up_to_the_score_and_the_output_is_the_prediction(
    name: str, toy: Exchange, request: pytest.FixtureRequest
) -> None:
    if name == "scorecard":
        trained = train_m_score(toy.vectors, toy.target * 0, toy.known, CATALOGUE, seed=7)
    else:
        trained = request.getfixturevalue(name)
    rows = toy.vectors.iloc[::97]
    typology = "wash_trading" if name == "violations" else None
    explained = explainer(trained).explain(rows, typology)
    shown = trained.model.predict(rows).iloc[:, 0].to_numpy()
    assert max(map(error_of, explained)) < 1e-9
    np.testing.assert_allclose([one.output for one in explained], shown, atol=1e-12)


def test_an_explanation_has_the_shape_of_the_activity_schema(toy: Exchange, anomaly: Trained) -> None:
    row = toy.vectors[toy.vectors["days_since_last_trade"].isna()].iloc[:1]
    document = explainer(anomaly).explain(row)[0].as_json()
    json.dumps(document, allow_nan=False)
    assert list(document) == ["account_id", "as_of", "model", "base", "score", "output", "contributions"]
    assert document["model"] == {"name": "anomaly", "version": "3"}
    assert document["as_of"].endswith(".000000Z")
    assert {part["feature"] for part in document["contributions"]} == set(CATALOGUE.names)
    sizes = [abs(part["contribution"]) for part in document["contributions"]]
    assert sizes == sorted(sizes, reverse=True)
    unknown = next(part for part in document["contributions"] if part["feature"] == "days_since_last_trade")
    assert unknown["value"] is None
    assert unknown["text"].startswith("unknown")
    assert unknown["evidence"] == []
    kyc = next(part for part in document["contributions"] if part["feature"] == "kyc_level")
    assert 0 <= kyc["peer_percentile"] <= 100


def test_a_violation_is_explained_for_one_typology(toy: Exchange, violations: Trained) -> None:
    whole = explainer(violations)
    assert whole.explain(toy.vectors.iloc[:1], "wash_trading")[0].model_name == "violations:wash_trading"
    with pytest.raises(Invalid, match="violations:TYPOLOGY"):
        whole.explain(toy.vectors.iloc[:1])
    with pytest.raises(NotFound, match="wash_trading"):
        whole.explain(toy.vectors.iloc[:1], "spoofing")


def test_a_typology_is_refused_where_the_model_knows_none(toy: Exchange, m_score: Trained) -> None:
    with pytest.raises(Invalid, match="knows no typologies"):
        explainer(m_score).explain(toy.vectors.iloc[:1], "spoofing")


def test_no_rows_have_no_explanations(toy: Exchange, anomaly: Trained) -> None:
    assert explainer(anomaly).explain(toy.vectors.iloc[:0]) == ()


def test_another_catalogue_is_refused(anomaly: Trained) -> None:
    assert isinstance(anomaly.model, AnomalyModel)
    with pytest.raises(Invalid, match="train it again"):
        Explainer(anomaly.model, "anomaly", "1", OTHER_CATALOGUE)
