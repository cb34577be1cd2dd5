"""Tests of the M Score and its scorecard."""

import numpy as np
import pytest

from features.catalogue import Catalogue
from features.kernel.errors import Invalid
from models.m_score.model import MScoreModel
from models.m_score.scale import POINTS_PER_LOG_ODDS, clipped
from models.training import Trained, train_m_score
from tests.models.toy import CATALOGUE, Exchange


@pytest.fixture(scope="module", params=["learned", "scorecard"])
def model(request: pytest.FixtureRequest, toy: Exchange, m_score: Trained) -> MScoreModel:
    trained = m_score
    if request.param == "scorecard":
        trained = train_m_score(toy.vectors, toy.target * 0, toy.known, CATALOGUE, seed=7)
    assert isinstance(trained.model, MScoreModel)
    return trained.model


def test_pillar_points_add_up_to_the_score_before_clipping(model: MScoreModel, toy: Exchange) -> None:
    points = model.pillar_points(toy.vectors)
    assert list(points.columns) == ["base", "kyc", "staking", "tenure", "trading"]
    assert model.inputs == tuple(feature.name for feature in CATALOGUE if feature.pillar)
    score = model.predict(toy.vectors)["m_score"].to_numpy()
    np.testing.assert_allclose(clipped(points.sum(axis=1).to_numpy()), score, atol=1e-9)


@pytest.mark.parametrize("feature", [feature for feature in CATALOGUE if feature.pillar], ids=lambda f: f.name)
def test_more_of_what_is_good_never_lowers_the_score(model: MScoreModel, toy: Exchange, feature: object) -> None:
    name, direction = feature.name, feature.direction  # type: ignore[attr-defined]
    rows = toy.vectors.iloc[::29]
    scores = np.array(
        [
            model.predict(rows.assign(**{name: value}))["m_score"].to_numpy()
            for value in np.quantile(toy.vectors[name].dropna(), np.linspace(0, 1, 15))
        ]
    )
    assert (direction * np.diff(scores, axis=0) >= -1e-9).all()


def test_one_pillars_points_do_not_depend_on_another(model: MScoreModel, toy: Exchange) -> None:
    rows = toy.vectors.iloc[:50]
    changed = rows.assign(staked_usd=5_000.0)
    before, after = model.pillar_points(rows), model.pillar_points(changed)
    np.testing.assert_allclose(
        before.drop(columns="staking").to_numpy(), after.drop(columns="staking").to_numpy(), atol=1e-9
    )


def test_risk_features_are_no_inputs(model: MScoreModel, toy: Exchange) -> None:
    rows = toy.vectors.iloc[:50]
    np.testing.assert_array_equal(
        model.predict(rows).to_numpy(), model.predict(rows.assign(wash_share_7d=1.0)).to_numpy()
    )


def test_the_scorecard_gives_nothing_for_doing_nothing_and_its_shares_for_the_best(toy: Exchange) -> None:
    model = train_m_score(toy.vectors, toy.target * 0, toy.known, CATALOGUE, seed=7).model
    row = toy.vectors.iloc[[0]]
    worst = row.assign(
        active_days_30d=-1.0, days_since_last_trade=1e6, staked_usd=0.0, kyc_level=0.0, account_age_days=0.0
    )
    best = row.assign(
        active_days_30d=1e6, days_since_last_trade=-1.0, staked_usd=1e9, kyc_level=3.0, account_age_days=1e6
    )
    assert model.predict(worst)["m_score"].iloc[0] == pytest.approx(0, abs=1e-6)
    top = model.predict(best)["m_score"].iloc[0]
    assert 900 < top <= 1000  # many share the best level of verification, and earn what lies below them


def test_ten_points_stand_for_a_fixed_step_of_the_odds() -> None:
    assert pytest.approx(2.0) == np.exp(60 / POINTS_PER_LOG_ODDS)


def test_a_pillar_without_a_weight_is_refused(toy: Exchange) -> None:
    model = MScoreModel.of(CATALOGUE)
    model.pillars = ("charm", *model.pillars[1:])
    with pytest.raises(Invalid, match="charm"):
        model.fit(toy.vectors, toy.target * 0, toy.known)


def test_a_catalogue_without_pillars_has_no_m_score() -> None:
    with pytest.raises(Invalid, match="nothing to score"):
        MScoreModel.of(Catalogue(CATALOGUE.features[:6]))


def test_an_unfitted_model_says_so(toy: Exchange) -> None:
    with pytest.raises(Invalid, match="not fitted"):
        MScoreModel.of(CATALOGUE).predict(toy.vectors)
