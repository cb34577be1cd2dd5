"""Alerts within a budget: q-values, ranks, and how fine they can be."""

import numpy as np
import pandas as pd
import pytest

from models.anomaly.alerts import accounts_a_day, daily_alerts, needed_at_the_floor, resolution_note
from models.calibration import conformal_p_values

DAYS = pd.date_range("2026-02-01", periods=2, tz="UTC")


def scored(unusualness: np.ndarray, calibration: np.ndarray, day: pd.Timestamp = DAYS[0]) -> pd.DataFrame:
    p_values = conformal_p_values(unusualness, np.sort(calibration))
    accounts = [f"a{number}" for number in range(len(unusualness))]
    columns = {"anomaly_score": unusualness, "anomaly_p_value": p_values}
    return pd.DataFrame({"account_id": accounts, "as_of": day, **columns})


def test_the_budget_is_kept_each_day_and_the_most_unusual_come_first() -> None:
    rng = np.random.default_rng(3)
    both = pd.concat([scored(rng.normal(size=50), rng.normal(size=500), day) for day in DAYS], ignore_index=True)
    alerts = daily_alerts(both, 5)
    assert alerts.groupby("as_of").size().tolist() == [5, 5]
    assert alerts["rank"].tolist() == [1, 2, 3, 4, 5] * 2
    for day, shown in alerts.groupby("as_of"):
        of_day = both[both["as_of"] == day]
        assert shown["anomaly_score"].tolist() == sorted(of_day["anomaly_score"], reverse=True)[:5]


def test_q_values_are_those_of_benjamini_and_hochberg() -> None:
    frame = scored(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.5, 1.5, 2.5]))
    p = frame["anomaly_p_value"].tolist()
    assert p == [1.0, 0.75, 0.5, 0.25]
    q = daily_alerts(frame, 4).set_index("account_id")["anomaly_q_value"]
    assert q["a3"] == pytest.approx(min(0.25 * 4 / 1, 0.5 * 4 / 2, 0.75 * 4 / 3, 1.0))


def test_among_honest_accounts_small_q_values_are_as_rare_as_they_say() -> None:
    rng = np.random.default_rng(11)
    false_days = 0
    for _ in range(300):
        shown = daily_alerts(scored(rng.normal(size=200), rng.normal(size=2_000)), 200)
        false_days += bool((shown["anomaly_q_value"] <= 0.1).any())
    assert false_days / 300 <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 300)


def test_accounts_far_beyond_all_others_have_small_q_values() -> None:
    rng = np.random.default_rng(5)
    unusualness = np.concatenate([rng.normal(size=180), np.full(20, 50.0)])
    shown = daily_alerts(scored(unusualness, rng.normal(size=2_000)), 20)
    assert (shown["anomaly_q_value"] <= 0.1).all()
    assert (shown["anomaly_score"] == 50.0).all()


def test_with_too_few_calibration_accounts_one_alert_cannot_count_and_it_is_said() -> None:
    needed = needed_at_the_floor(1_000, 99, 0.1)
    assert needed == 100
    lonely, crowd = (np.concatenate([np.zeros(1_000 - k), np.ones(k)]) for k in (needed - 1, needed))
    calibration = np.full(99, 0.5)
    assert daily_alerts(scored(lonely, calibration), 1)["anomaly_q_value"].iloc[0] > 0.1
    assert daily_alerts(scored(crowd, calibration), 1)["anomaly_q_value"].iloc[0] == pytest.approx(0.1)
    assert "only 100 or more together" in resolution_note(1_000, 99, 0.1)
    assert "none can reach" in resolution_note(50, 5, 0.1)
    assert not resolution_note(100, 2_000, 0.1).startswith("Warning")


@pytest.mark.parametrize("budget", [0, -1])
def test_a_budget_of_nothing_is_refused(budget: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        daily_alerts(scored(np.zeros(3), np.zeros(3)), budget)


def test_an_account_twice_at_a_moment_is_refused() -> None:
    frame = scored(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="appears twice"):
        daily_alerts(pd.concat([frame, frame]), 1)


def test_accounts_a_day_are_the_most_at_one_moment() -> None:
    assert accounts_a_day(pd.Series([DAYS[0], DAYS[0], DAYS[1]])) == 2
    assert accounts_a_day(pd.Series([], dtype="datetime64[ns, UTC]")) == 0
