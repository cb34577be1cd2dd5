"""Tests of the anomaly model."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from skops import io as skops_io

from features.definitions import CATALOGUE as SHIPPED_CATALOGUE
from features.definitions.own_history import OWN_HISTORY
from features.kernel.errors import Invalid
from models import artifacts
from models.anomaly.calibrated_forests import CalibratedForests
from models.anomaly.forest import flat_trees
from models.anomaly.model import AnomalyModel
from models.explanations.explainer import Explainer
from models.training import Trained
from models.vectors import VectorLayout
from tests.models.toy import CATALOGUE, Exchange, exchange

OWN = ("wash_share_7d", "cancel_ratio_7d")


def model_of(trained: Trained) -> AnomalyModel:
    assert isinstance(trained.model, AnomalyModel)
    return trained.model


def test_an_account_unlike_all_others_scores_high_and_a_usual_one_low(toy: Exchange, anomaly: Trained) -> None:
    medians = {name: toy.vectors[name].median() for name in CATALOGUE.names}
    row = toy.vectors.iloc[[600]].assign(**medians)
    strange = row.assign(cancel_ratio_7d=1.0, wash_share_7d=1.0, volume_usd_30d=1e8, days_since_last_trade=90.0)
    usual, unusual = (anomaly.model.predict(frame).iloc[0] for frame in (row, strange))
    assert usual["anomaly_score"] < 20
    assert unusual["anomaly_score"] > 99
    assert usual["anomaly_p_value"] > 0.8
    assert unusual["anomaly_p_value"] == 1 / 108


def test_scores_rise_as_depth_falls(toy: Exchange, anomaly: Trained) -> None:
    model = model_of(anomaly)
    depth = model.score_samples(toy.vectors)
    shown = anomaly.model.predict(toy.vectors)["anomaly_score"].to_numpy()
    order = np.argsort(-depth)
    assert (np.diff(shown[order]) >= 0).all()
    assert 0 < shown.min() < shown.max() < 100


@settings(max_examples=50)
@given(st.lists(st.floats(-2.0, 0.0), min_size=2, max_size=30, unique=True))
def test_the_shown_score_rises_strictly_inside_and_beyond_the_calibration(values: list[float]) -> None:
    forests = CalibratedForests((), np.sort(np.random.default_rng(0).normal(-1, 0.2, 50).round(2)))
    values = sorted({round(value, 3) for value in values})
    shown = forests.shown(np.array(values))
    assert (np.diff(shown) > 0).all()
    assert (shown > 0).all()
    assert (shown < 100).all()


def test_half_of_usual_accounts_score_above_fifty(toy: Exchange, anomaly: Trained) -> None:
    shown = anomaly.model.predict(toy.vectors.iloc[200:])["anomaly_score"]
    assert 40 < shown.median() < 60


def test_the_leaves_of_flat_trees_add_up_to_the_unusualness(toy: Exchange, anomaly: Trained) -> None:
    model = model_of(anomaly)
    ((forests, _rows, distances),) = model.judged_by(toy.vectors.iloc[:1])
    row, total = distances[0], 0.0
    for tree in flat_trees(forests.forests):
        node = 0
        while tree.left[node] >= 0:
            goes_left = row[tree.features[node]] <= tree.thresholds[node]
            node = int(tree.left[node] if goes_left else tree.right[node])
        total += tree.values[node]
    assert total == pytest.approx(model.unusualness(toy.vectors.iloc[:1])[0], abs=1e-12)


def with_and_without_a_past(seed: int) -> pd.DataFrame:
    """Rows of 600 accounts, a quarter of which has no past of its own, trades little and is new."""
    vectors = exchange(600, seed=seed).vectors
    without = vectors["account_id"].isin(sorted(set(vectors["account_id"]))[::4])
    quiet = {name: vectors[name].where(~without, 0.0) for name in ("trades_n_30d", "volume_usd_30d")}
    surges = {name: (10 * vectors[name]).mask(without) for name in OWN}
    return vectors.assign(**quiet, **surges, account_age_days=vectors["account_age_days"].mask(without, 7.0))


@pytest.fixture(scope="module")
def two_views() -> tuple[AnomalyModel, pd.DataFrame]:
    """A model of two views, and the rows it learned from."""
    frame = with_and_without_a_past(3)
    return AnomalyModel(VectorLayout.of(CATALOGUE), OWN).fit(frame), frame


def test_own_history_is_a_view_of_its_own(two_views: tuple[AnomalyModel, pd.DataFrame]) -> None:
    model, _frame = two_views
    split_on = [
        {CATALOGUE.names[column] for tree in flat_trees([forest]) for column in tree.features[tree.left >= 0]}
        for forest in model.whole.forests
    ]
    sizes = len(model.settings.samples)
    assert split_on == [set(CATALOGUE.names) - set(OWN)] * sizes + [set(OWN)] * sizes


def test_without_a_past_an_account_is_seen_among_its_peers_alone(two_views: tuple[AnomalyModel, pd.DataFrame]) -> None:
    model, frame = two_views
    row = frame[frame[OWN[0]].isna()].iloc[[0]]
    ((forests, rows, _distances),) = model.judged_by(row)
    assert (forests.forests, rows.tolist()) == (model.whole.forests[: len(model.settings.samples)], [0])
    strange = row.assign(volume_usd_30d=1e9, days_since_last_trade=900.0, staked_usd=1e9)
    assert model.predict(strange)["anomaly_p_value"].iloc[0] < 0.05


@pytest.mark.parametrize("level", [0.1, 0.3])
def test_p_values_hold_with_and_without_a_past(two_views: tuple[AnomalyModel, pd.DataFrame], level: float) -> None:
    model, _frame = two_views
    honest = with_and_without_a_past(4).query("account_id >= 'a0024'")
    below = model.predict(honest)["anomaly_p_value"] <= level
    for _past, rows in below.groupby(honest[OWN[0]].isna()):
        assert rows.mean() == pytest.approx(level, abs=0.08)


def test_less_than_usual_is_no_surge(two_views: tuple[AnomalyModel, pd.DataFrame]) -> None:
    model, frame = two_views
    row = frame[frame[OWN[0]].notna()].iloc[[0]]
    once, less, more = (row.assign(wash_share_7d=times) for times in (1.0, 0.01, 100.0))
    assert model.unusualness(less) == model.unusualness(once) < model.unusualness(more)


def test_two_views_are_stored_and_explained(two_views: tuple[AnomalyModel, pd.DataFrame], tmp_path: Path) -> None:
    model, frame = two_views
    model.save(tmp_path)
    loaded = AnomalyModel.load(tmp_path)
    assert loaded.get_params() == model.get_params()
    assert loaded.predict(frame).equals(model.predict(frame))
    assert clone(loaded).fit(frame).predict(frame).equals(model.predict(frame))
    parts = Explainer(loaded, "anomaly", "1", CATALOGUE).additive(frame)
    assert np.abs(parts.base + parts.contributions.sum(axis=1) - parts.score).max() < 1e-9
    assert parts.score.tolist() == model.unusualness(frame).tolist()
    assert parts.output.tolist() == model.predict(frame)["anomaly_score"].tolist()
    assert len(np.unique(parts.base)) == 2


def test_an_own_history_of_unknown_features_is_refused() -> None:
    with pytest.raises(Invalid, match="no feature wash_shar_7d"):
        AnomalyModel(VectorLayout.of(CATALOGUE), ("wash_shar_7d",))


def test_the_catalogue_says_what_own_history_is() -> None:
    assert AnomalyModel.of(CATALOGUE).own_history == ()
    assert AnomalyModel.of(SHIPPED_CATALOGUE).own_history == tuple(feature.name for feature in OWN_HISTORY)


def test_too_few_accounts_are_refused(toy: Exchange) -> None:
    with pytest.raises(Invalid, match="at least 20 accounts, there are 5"):
        AnomalyModel(VectorLayout.of(CATALOGUE)).fit(toy.vectors.iloc[:30])


def test_a_stored_forest_of_another_type_is_not_trusted(anomaly: Trained, tmp_path: Path) -> None:
    anomaly.model.save(tmp_path)
    state, files = artifacts.read(tmp_path, "anomaly")
    files["forest_0.skops"] = skops_io.dumps({"harmless": StandardScaler(), "strange": Path("x")})
    artifacts.write(tmp_path, "anomaly", state, files)
    with pytest.raises(Invalid, match="not trusted"):
        AnomalyModel.load(tmp_path)
    files["forest_0.skops"] = b"no archive"
    artifacts.write(tmp_path, "anomaly", state, files)
    with pytest.raises(Invalid, match="not complete"):
        AnomalyModel.load(tmp_path)
