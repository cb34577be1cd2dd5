"""Tests of calibration and of p-values."""

import numpy as np
from scipy.special import expit

from models.calibration import conformal_p_values, expected_calibration_error, fit_platt


def test_platt_finds_the_line_that_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    margins = rng.normal(size=20_000)
    positive = rng.random(20_000) < expit(0.5 * margins - 2)
    platt = fit_platt(margins, positive, np.ones(20_000))
    np.testing.assert_allclose([platt.slope, platt.intercept], [0.5, -2], atol=0.06)


def test_margins_that_rank_wrongly_give_the_base_rate_not_an_inverted_score() -> None:
    margins = np.linspace(-1, 1, 100)
    platt = fit_platt(margins, margins < -0.6, np.ones(100))
    assert platt.slope == 0
    np.testing.assert_allclose(expit(platt.intercept), 0.2, atol=0.02)


def test_weights_stand_for_rows() -> None:
    margins = np.array([0.0, 0.0])
    positive = np.array([True, False])
    rate = expit(fit_platt(margins, positive, np.array([1.0, 9.0])).log_odds(margins))[0]
    assert 0.1 < rate < 0.45


def test_probabilities_that_hold_have_no_calibration_error() -> None:
    rng = np.random.default_rng(0)
    probability = rng.random(50_000)
    assert expected_calibration_error(probability, rng.random(50_000) < probability, np.ones(50_000)) < 0.01


def test_p_values_of_usual_accounts_are_uniform_and_never_zero() -> None:
    rng = np.random.default_rng(0)
    p_values = conformal_p_values(rng.normal(size=20_000), np.sort(rng.normal(size=5_000)))
    assert p_values.min() >= 1 / 5_001
    for level in (0.01, 0.1, 0.5):
        assert abs((p_values <= level).mean() - level) < 0.015
