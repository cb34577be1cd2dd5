"""Tests of linking a version of the M Score to the one before."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.m_score.linking import Link, moves
from models.m_score.model import MScoreModel
from models.m_score.scale import clipped
from models.training import Trained, newest_rows, train_m_score
from tests.models.toy import CATALOGUE, Exchange


@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_a_stretched_and_shifted_scale_is_brought_back(slope: float, shift: float) -> None:
    earlier = np.random.default_rng(0).normal(size=200)
    np.testing.assert_allclose(
        Link.between(slope * earlier + shift, earlier)(slope * earlier + shift), earlier, atol=1e-6
    )


def test_a_version_that_tells_nobody_apart_keeps_the_level() -> None:
    assert Link.between(np.zeros(5), np.arange(5.0)) == Link(1.0, 2.0)


def test_moves_count_those_who_moved_far() -> None:
    moved = moves(np.array([100.0, 200.0, 300.0, 400.0]), np.array([110.0, 210.0, 310.0, 500.0]))
    assert moved["within_40_points"] == 0.75
    assert moved["median_change"] == 10.0
    assert moved["rank_correlation"] == pytest.approx(1.0)


@pytest.fixture(scope="module")
def linked(toy: Exchange, m_score: Trained) -> Trained:
    champion = m_score.model
    assert isinstance(champion, MScoreModel)
    harder = toy.target.where(toy.vectors["staked_usd"] > toy.vectors["staked_usd"].median(), 0)
    return train_m_score(toy.vectors, harder, toy.known, CATALOGUE, seed=8, champion=champion)


def test_a_new_version_scores_on_the_scale_of_the_champion(linked: Trained, m_score: Trained, toy: Exchange) -> None:
    rows = newest_rows(toy.vectors)
    own, before = (trained.model.predict(rows)["m_score"] for trained in (linked, m_score))
    assert isinstance(linked.model, MScoreModel)
    assert linked.model.link != Link()
    assert abs(own.median() - before.median()) < 1
    assert linked.metrics["against_champion"]["accounts"] == len(rows)
    assert any("Linked to the champion" in note for note in linked.notes)


def test_pillars_still_add_up_and_the_link_is_kept(linked: Trained, toy: Exchange, tmp_path: Path) -> None:
    model = linked.model
    assert isinstance(model, MScoreModel)
    points = model.pillar_points(toy.vectors).sum(axis=1).to_numpy()
    scores = model.predict(toy.vectors)["m_score"].to_numpy()
    np.testing.assert_allclose(clipped(points), scores, atol=1e-9)
    np.testing.assert_array_equal(model.additive(toy.vectors).output, scores)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(MScoreModel.load(tmp_path / "model").predict(toy.vectors)["m_score"], scores)
