"""Tests of the anomaly model."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler
from skops import io as skops_io

from features.definitions import CATALOGUE as SHIPPED_CATALOGUE
from features.definitions.own_history import OWN_HISTORY
from features.errors import Invalid
from models import artifacts
from models.anomaly import AnomalyModel
from models.forest import flat_trees
from models.training import Trained
from models.vectors import VectorLayout
from tests.models.toy import CATALOGUE, Exchange


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
    model = AnomalyModel(VectorLayout((), ""))
    model.calibration = np.sort(np.random.default_rng(0).normal(-1, 0.2, 50).round(2))
    values = sorted({round(value, 3) for value in values})
    shown = model.shown(np.array(values))
    assert (np.diff(shown) > 0).all()
    assert (shown > 0).all()
    assert (shown < 100).all()


def test_half_of_usual_accounts_score_above_fifty(toy: Exchange, anomaly: Trained) -> None:
    shown = anomaly.model.predict(toy.vectors.iloc[200:])["anomaly_score"]
    assert 40 < shown.median() < 60


def test_the_leaves_of_flat_trees_add_up_to_the_unusualness(toy: Exchange, anomaly: Trained) -> None:
    model = model_of(anomaly)
    row = model.distances(toy.vectors.iloc[:1])[0]
    total = 0.0
    for tree in flat_trees(model.forests):
        node = 0
        while tree.left[node] >= 0:
            goes_left = row[tree.features[node]] <= tree.thresholds[node]
            node = int(tree.left[node] if goes_left else tree.right[node])
        total += tree.values[node]
    assert total == pytest.approx(model.unusualness(toy.vectors.iloc[:1])[0], abs=1e-12)


def test_own_history_is_a_view_of_its_own(toy: Exchange) -> None:
    own = ("wash_share_7d", "cancel_ratio_7d")
    model = AnomalyModel(VectorLayout.of(CATALOGUE), own).fit(toy.vectors)
    split_on = [
        {CATALOGUE.names[column] for tree in flat_trees([forest]) for column in tree.features[tree.left >= 0]}
        for forest in model.forests
    ]
    sizes = len(model.settings.samples)
    assert split_on == [set(CATALOGUE.names) - set(own)] * sizes + [set(own)] * sizes


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
