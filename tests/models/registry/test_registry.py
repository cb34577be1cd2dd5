"""Tests of the registry."""

from pathlib import Path

import pandas as pd
import pytest

from features.catalogue import Catalogue
from features.kernel.errors import Invalid, NotFound
from models.registry.registry import Registry, Version
from models.training import Trained
from tests.models.toy import CATALOGUE, OTHER_CATALOGUE, Exchange


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def registry(home: Path, anomaly: Trained, violations: Trained, m_score: Trained) -> Registry:
    made = Registry(f"sqlite:///{home}/mlflow.db", home / "artifacts")
    for trained in (anomaly, violations, m_score, violations):
        made.register(trained, {"lake_version": "lake-1"})
    return made


def test_nothing_is_made_before_the_first_use(tmp_path: Path) -> None:
    Registry(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "artifacts")
    assert not list(tmp_path.iterdir())


def test_a_model_that_was_never_trained_has_no_champion(tmp_path: Path) -> None:
    empty = Registry(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "artifacts")
    assert empty.champion("anomaly") is None
    assert empty.versions("anomaly") == ()


@pytest.mark.parametrize("name", ["anomaly", "violations", "m_score"])
def test_a_champion_predicts_what_was_trained(
    name: str, registry: Registry, toy: Exchange, request: pytest.FixtureRequest
) -> None:
    trained: Trained = request.getfixturevalue(name)
    loaded = registry.champion(trained.name, CATALOGUE)
    assert loaded is not None
    assert loaded.version == "1"
    assert loaded.tags["lake_version"] == "lake-1"
    assert loaded.tags["catalogue_fingerprint"] == CATALOGUE.fingerprint
    pd.testing.assert_frame_equal(
        loaded.model.predict(toy.vectors), trained.model.predict(toy.vectors), check_exact=True
    )


def test_a_later_version_waits_as_challenger_until_it_is_promoted(
    home: Path, registry: Registry, violations: Trained
) -> None:
    assert [one.aliases for one in registry.versions("violations")] == [("champion",), ("challenger",)]
    assert registry.promote("violations", "2").aliases == ("champion",)
    assert registry.versions("violations")[0].aliases == ("previous",)
    assert registry.promote("violations", "1").aliases == ("champion",)
    assert registry.versions("violations")[1].aliases == (), "what was withdrawn does not stand in"


def test_an_unknown_version_is_not_found(registry: Registry) -> None:
    with pytest.raises(NotFound, match="has no version '9'"):
        registry.promote("violations", "9")
    with pytest.raises(NotFound, match="There is no model"):
        registry.load("forecast", "1")


def test_metrics_and_card_are_kept_beside_the_version(registry: Registry, violations: Trained) -> None:
    version = registry.versions("violations")[0]
    metrics = registry.metrics(version)
    assert metrics["wash_trading/held_out/auc"] == violations.metrics["wash_trading/held_out"]["auc"]
    assert registry.card(version) == violations.card


def test_a_model_of_another_catalogue_is_not_loaded(registry: Registry) -> None:
    with pytest.raises(Invalid, match="train it again"):
        registry.champion("anomaly", OTHER_CATALOGUE)
    with pytest.raises(Invalid, match="account_age_days"):
        registry.champion("anomaly", Catalogue(CATALOGUE.features[:-1]))


def test_a_damaged_or_missing_file_is_refused(home: Path, registry: Registry, anomaly: Trained) -> None:
    version = registry.register(anomaly, {})
    state = next((home / "artifacts" / version.run_id).rglob("state.json"))
    state.write_bytes(state.read_bytes()[:-2] + b"9}")
    with pytest.raises(Invalid, match="checksum differs"):
        registry.load("anomaly", version.version, CATALOGUE)
    state.unlink()
    with pytest.raises(Invalid, match="cannot be read"):
        registry.load("anomaly", version.version, CATALOGUE)


def _damage(home: Path, version: Version) -> None:
    state = next((home / "artifacts" / version.run_id).rglob("state.json"))
    state.write_bytes(state.read_bytes()[:-2] + b"9}")


def test_a_damaged_version_leaves_the_champion_or_the_one_before_scoring(tmp_path: Path, m_score: Trained) -> None:
    registry = Registry(f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "artifacts")
    first, second, third = (registry.register(m_score, {}) for _ in range(3))
    _damage(tmp_path, second)
    with pytest.raises(Invalid, match="checksum differs"):
        registry.promote("m-score", second.version)
    loaded, said = registry.load_usable("m-score", CATALOGUE)
    assert (loaded and loaded.version, said) == (first.version, "")
    _damage(tmp_path, registry.promote("m-score", third.version))
    loaded, said = registry.load_usable("m-score", CATALOGUE)
    assert loaded is not None
    assert loaded.version == first.version
    assert "the champion before" in said
    _damage(tmp_path, first)
    assert registry.load_usable("m-score", CATALOGUE)[0] is None


def test_the_report_of_a_version_is_kept_and_compares_with_the_champion(registry: Registry) -> None:
    first, second = (registry.report("violations", version) for version in ("1", "2"))
    assert "There is no champion to compare with." in first
    assert "There is no champion to compare with." not in second
    with pytest.raises(NotFound, match="has no version '9'"):
        registry.report("violations", "9")


def test_no_pickle_is_stored(home: Path, registry: Registry) -> None:
    kinds = {file.suffix for file in (home / "artifacts").rglob("*") if file.is_file()}
    assert kinds <= {".json", ".txt", ".skops", ".svg", ".md", ".html"}
