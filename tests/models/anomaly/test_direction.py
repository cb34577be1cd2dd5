"""The direction check: a score that ranks confirmed findings as usual is not promoted in silence."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.artifacts import download_artifacts

from features.kernel.errors import Invalid
from models.anomaly.direction import direction_of, refusal
from models.registry.registry import Registry
from models.targets import RowTarget
from models.training import Trained, train_anomaly
from tests.models.toy import CATALOGUE, START, Exchange, labels_of


@pytest.fixture(scope="module")
def usual_violators(toy: Exchange) -> Trained:
    """Trained where the confirmed are the accounts nearest to everybody's middle."""
    values = toy.vectors[list(CATALOGUE.names)]
    apart = ((values - values.median()) / values.std()).abs().sum(axis=1).groupby(toy.vectors["account_id"]).mean()
    labels = labels_of(*({"account_id": account, "onset": START} for account in apart.nsmallest(20).index))
    return train_anomaly(toy.vectors, labels, CATALOGUE, seed=7)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "artifacts")


def test_training_says_that_the_confirmed_look_usual(usual_violators: Trained, anomaly: Trained) -> None:
    assert usual_violators.refused is not None
    assert "more usual than all others" in usual_violators.refused
    assert usual_violators.refused in usual_violators.card
    assert anomaly.refused is None


def test_not_even_a_first_version_becomes_champion_by_itself(registry: Registry, usual_violators: Trained) -> None:
    assert registry.register(usual_violators, {}).aliases == ("challenger",)
    assert registry.champion("anomaly", CATALOGUE) is None


@pytest.mark.parametrize("nothing", [None, "", "   "])
def test_promotion_is_refused_until_somebody_says_why(
    registry: Registry, usual_violators: Trained, nothing: str | None
) -> None:
    registry.register(usual_violators, {})
    with pytest.raises(Invalid, match="more usual than all others"):
        registry.promote("anomaly", "1", nothing)
    assert registry.champion("anomaly") is None


def test_what_was_acknowledged_stands_on_the_card(registry: Registry, usual_violators: Trained, tmp_path: Path) -> None:
    version = registry.register(usual_violators, {})
    why = "Read as unusual only, until spring."
    assert registry.promote("anomaly", "1", why).aliases == ("champion",)
    stored = download_artifacts(
        run_id=version.run_id, artifact_path="model_card.md", dst_path=str(tmp_path), tracking_uri=registry.tracking_uri
    )
    assert why in Path(stored).read_text().split("## Acknowledged")[1]
    assert registry.promote("anomaly", "1").aliases == ("champion",), "said once, it stands"
    with pytest.raises(Invalid, match="nothing to acknowledge"):
        registry.promote("anomaly", "1", "again")


@pytest.mark.parametrize(
    ("scores", "confirmed", "refused"),
    [
        pytest.param([3.0, 2.0, 1.0, 0.0], [True, True, False, False], False, id="confirmed are unusual"),
        pytest.param([0.0, 1.0, 2.0, 3.0], [True, True, False, False], True, id="confirmed are usual"),
        pytest.param([0.0, 1.0, 2.0, 3.0], [True, False, False, False], False, id="too few to tell"),
        pytest.param([0.0, 1.0, 2.0, 3.0], [True, True, True, True], False, id="nobody to compare with"),
    ],
)
def test_what_is_refused(scores: list[float], confirmed: list[bool], refused: bool) -> None:
    honest = ~np.array(confirmed)
    assert (refusal(np.array(scores), np.array(confirmed), honest, enough=2) is not None) == refused


def test_settled_rows_of_the_guilty_are_nobody_to_compare_with() -> None:
    scores, confirmed = np.array([2.0, 2.0, 9.0, 9.0, 1.0]), np.array([True, True, False, False, False])
    assert refusal(scores, confirmed, np.array([False, False, False, False, True]), enough=2) is None
    settled = np.array([False, False, True, True, False])
    nothing = np.zeros(5, dtype=bool)
    target = RowTarget("wash_trading", confirmed, nothing, nothing, nothing, settled)
    assert direction_of(scores, target).against["everybody"]["auc"] == 1.0


def test_calibration_accounts_come_after_those_trained_on_and_are_others(toy: Exchange, anomaly: Trained) -> None:
    model = anomaly.model
    train, calibrate = model._halves(toy.vectors, np.ones(len(toy.vectors), dtype=bool))  # type: ignore[attr-defined]
    learned, calibrated = toy.vectors.iloc[train], toy.vectors.iloc[calibrate]
    assert not set(learned["account_id"]) & set(calibrated["account_id"])
    assert calibrated["as_of"].min() - learned["as_of"].max() >= pd.Timedelta(days=7)
    assert not calibrated["account_id"].duplicated().any()
    assert "7 days later" in model.protocol  # type: ignore[attr-defined]


def test_one_day_alone_is_parted_by_accounts(toy: Exchange) -> None:
    day = toy.vectors[toy.vectors["as_of"] == toy.vectors["as_of"].max()]
    trained = train_anomaly(day, toy.labels, CATALOGUE, seed=7)
    assert any("too few days to part them" in note for note in trained.notes)
