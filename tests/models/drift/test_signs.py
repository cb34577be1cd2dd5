"""Drift: silent where nothing changed, loud where something did."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.definitions import CATALOGUE
from features.definitions.own_history import OWN_HISTORY
from models.drift.signs import Drift, drift_of, martingale, psi, psi_noise, sequential_p_values, windowed

COLUMNS = ("volume", "cancels", "sessions")


def rows(size: int, seed: int, **shift: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = {name: rng.lognormal(shift.get(name, 0.0), 1.0, size) for name in COLUMNS}
    return pd.DataFrame({"account_id": [f"{seed}-{number}" for number in range(size)], **values})


def column(found: Drift, name: str) -> tuple[str, float]:
    (one,) = (c for c in found.columns if c.name == name)
    return one.state, one.missing


def test_two_samples_of_one_distribution_raise_no_alarm() -> None:
    found = drift_of(rows(3_000, 1), rows(1_000, 2), COLUMNS)
    assert {c.state for c in found.columns} == {"ok"}
    assert abs(found.adversarial_auc - 0.5) < 0.05
    assert found.alarms == ()


def test_a_column_that_moved_is_named_first_by_both() -> None:
    found = drift_of(rows(3_000, 1), rows(1_000, 2, cancels=1.0), COLUMNS)
    assert found.columns[0].name == "cancels"
    assert column(found, "cancels")[0] == "act"
    assert column(found, "volume")[0] == "ok"
    assert found.telling[0] == "cancels"
    assert [alarm.split()[0] for alarm in found.alarms] == ["PSI", "A"]


def test_values_that_went_missing_are_seen() -> None:
    now = rows(1_000, 2)
    now.loc[now.index[:500], "sessions"] = np.nan
    found = drift_of(rows(3_000, 1), now, COLUMNS)
    assert column(found, "sessions") == ("act", 0.5)


def test_what_leaves_a_value_that_nearly_all_had_is_seen() -> None:
    reference = np.where(np.arange(1_000) < 950, 1.0, np.linspace(2, 9, 1_000))
    assert psi(reference, reference) == 0.0
    assert psi(reference, np.full(300, 5.0)) > 1


def test_of_few_accounts_chance_alone_moves_the_index_and_is_not_called_drift() -> None:
    noise = psi_noise(40, 40)
    assert noise > 0.25
    moved = [psi(rows(40, seed)["volume"].to_numpy(), rows(40, seed + 500)["volume"].to_numpy()) for seed in range(300)]
    assert np.mean([value > noise for value in moved]) < 0.08
    assert {c.state for c in drift_of(rows(40, 1), rows(40, 2), COLUMNS).columns} == {"ok"}


def test_uniform_p_values_rarely_win_the_bet_and_small_ones_do() -> None:
    wins = [martingale(np.random.default_rng(seed).random(400)) >= 20 for seed in range(300)]
    assert np.mean(wins) <= 1 / 20 + 0.03
    assert martingale(np.random.default_rng(0).random(400) ** 2) > 1_000
    assert martingale(np.array([])) == 1.0


def test_more_unusual_accounts_than_in_the_calibration_raise_an_alarm() -> None:
    rng = np.random.default_rng(0)
    bets = sequential_p_values(rng.normal(1.0, 1.0, 400), rng.normal(size=500), 7)
    found = drift_of(rows(1_000, 1), rows(400, 2), COLUMNS, p_values=bets)
    assert any("look unusual" in alarm for alarm in found.alarms)


def test_a_small_calibration_set_raises_no_more_false_alarms_than_promised() -> None:
    def wins(seed: int) -> bool:
        rng = np.random.default_rng(seed)
        return martingale(sequential_p_values(rng.normal(size=2_000), rng.normal(size=100), seed)) >= 20

    assert np.mean([wins(seed) for seed in range(100)]) <= 1 / 20 + 0.05


def test_what_counts_from_the_beginning_of_an_account_is_not_compared() -> None:
    compared = windowed(CATALOGUE, timedelta(days=7))
    assert "account_age_days" not in compared
    assert "trades_n_7d" in compared
    assert "trades_n_30d" not in compared, "its window reaches before the history"
    assert all(CATALOGUE[name].reach_us is not None for name in compared)
    surges = {feature.name for feature in OWN_HISTORY}
    assert surges <= set(windowed(CATALOGUE, timedelta(days=63)))
    assert not surges & set(windowed(CATALOGUE, timedelta(days=62)))


def test_a_constant_or_unknown_column_does_not_move() -> None:
    then, now = (rows(200, seed).assign(volume=7.0, cancels=np.nan) for seed in (1, 2))
    found = drift_of(then, now, COLUMNS)
    assert column(found, "volume") == ("ok", 0.0)
    assert column(found, "cancels") == ("ok", 0.0)


def test_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="no rows to compare"):
        drift_of(rows(10, 1).iloc[:0], rows(10, 2), COLUMNS)
