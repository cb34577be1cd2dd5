"""Tests of training."""

import pandas as pd
import pytest

from models.training import Trained, train_anomaly, train_m_score, train_violations
from tests.models.toy import CATALOGUE, CUTOFF, Exchange, labels_of


def test_the_same_vectors_and_seed_give_the_same_models(
    toy: Exchange, anomaly: Trained, violations: Trained, m_score: Trained
) -> None:
    again = (
        train_anomaly(toy.vectors, toy.labels, CATALOGUE, seed=7, labels_as_of=CUTOFF),
        train_violations(toy.vectors, toy.labels, CATALOGUE, seed=7, labels_as_of=CUTOFF),
        train_m_score(toy.vectors, toy.target, toy.known, CATALOGUE, seed=7),
    )
    for first, second in zip((anomaly, violations, m_score), again, strict=True):
        assert first.metrics == second.metrics
        pd.testing.assert_frame_equal(
            first.model.predict(toy.vectors), second.model.predict(toy.vectors), check_exact=True
        )


def test_violations_are_tested_over_time_with_rings_kept_together(violations: Trained) -> None:
    measured = violations.metrics["wash_trading/held_out"]
    assert measured["auc"] > 0.9
    assert measured["positives"] == 48  # every violator in two later weeks
    assert 0 <= measured["calibration_error"] < 0.1
    assert any("rolling time split" in note for note in violations.notes)
    assert violations.plots["wash_trading.svg"].startswith(b"<svg")


def test_a_typology_with_too_few_findings_is_skipped_with_a_sentence(violations: Trained) -> None:
    assert any(note.startswith("spoofing was skipped: 12 confirmed rows of 2 accounts") for note in violations.notes)
    assert "spoofing was skipped" in violations.card


def test_the_anomaly_card_states_its_direction(anomaly: Trained) -> None:
    assert "unusual, not bad" in anomaly.card
    assert "wash_trading/against_everybody" in anomaly.metrics
    assert anomaly.metrics["calibration"]["accounts"] == 107  # half of the 214 accounts never confirmed


def test_the_anomaly_card_warns_where_violators_look_usual(toy: Exchange) -> None:
    center = toy.vectors[list(CATALOGUE.names)].median()
    distance = (toy.vectors[list(CATALOGUE.names)].fillna(center) - center).abs().rank().sum(axis=1)
    usual = distance.groupby(toy.vectors["account_id"]).mean().nsmallest(10).index
    trained = train_anomaly(toy.vectors, labels_of(*({"account_id": a} for a in usual)), CATALOGUE, seed=7)
    assert any(note.startswith("Warning: AUC") for note in trained.notes)


def test_without_labels_the_bundle_is_empty_and_the_anomaly_says_its_direction_is_unchecked(toy: Exchange) -> None:
    nothing = toy.labels.iloc[:0]
    bundle = train_violations(toy.vectors, nothing, CATALOGUE, seed=7)
    assert bundle.model.predict(toy.vectors).shape == (len(toy.vectors), 0)
    trained = train_anomaly(toy.vectors, nothing, CATALOGUE, seed=7)
    assert any("direction could not be checked" in note for note in trained.notes)


def test_labels_known_after_the_cut_off_do_not_count(toy: Exchange) -> None:
    early = train_violations(
        toy.vectors, toy.labels, CATALOGUE, seed=7, labels_as_of=pd.Timestamp("2026-01-06", tz="UTC")
    )
    assert "wash_trading/held_out" not in early.metrics


def test_the_learned_m_score_is_measured_and_the_scorecard_says_it_is_not(toy: Exchange, m_score: Trained) -> None:
    assert m_score.parameters["kind"] == "learned"
    assert m_score.metrics["held_out"]["auc"] == pytest.approx(0.93, abs=0.07)
    card = train_m_score(toy.vectors, toy.target * 0, toy.known, CATALOGUE, seed=7)
    assert card.parameters["kind"] == "scorecard"
    assert not card.metrics
    assert "not learned, so not measured" in card.card
