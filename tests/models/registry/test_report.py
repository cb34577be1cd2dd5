"""The evaluation report: its figures from known rows, its sections from a real training, and what it escapes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.evaluation.metrics import at_budget, budget_metrics
from models.evaluation.segments import by_segment, segments_of
from models.registry.report import days_to_detect, evaluation_report
from models.training import Trained

MONDAYS = pd.date_range("2026-01-05", periods=3, freq="7D", tz="UTC").as_unit("us")


def rows(scores: list[list[float]], positives: set[tuple[int, int]]) -> pd.DataFrame:
    """Weekly scores, a list a week and a number an account; `positives` are (week, account)."""
    return pd.DataFrame(
        [
            {
                "account_id": f"a{account}",
                "as_of": MONDAYS[week],
                "positive": (week, account) in positives,
                "cleared": False,
                "score": score,
                "weight": 1.0,
                "known_group": False,
                "onset_us": MONDAYS[0].value / 1_000 - 86_400_000_000 if account == 0 else np.nan,
            }
            for week, of_week in enumerate(scores)
            for account, score in enumerate(of_week)
        ]
    )


def test_a_budget_is_a_days_and_takes_the_highest_scores() -> None:
    tested = rows([[0.1, 0.9, 0.5], [0.8, 0.2, 0.3]], {(0, 1), (1, 2)})
    assert at_budget(tested, 1).tolist() == [False, True, False, True, False, False]
    assert budget_metrics(tested, 1) == {"precision": 0.5, "recall": 0.5, "alerts_a_day": 1.0}
    assert budget_metrics(tested, 2)["recall"] == 1.0


def test_a_row_that_stands_for_many_uses_up_as_much_of_the_budget() -> None:
    tested = rows([[0.9, 0.8, 0.7]], {(0, 1)}).assign(weight=[5.0, 1.0, 1.0])
    assert at_budget(tested, 5).tolist() == [True, False, False]
    assert budget_metrics(tested, 6)["precision"] == pytest.approx(1 / 6)


def test_events_of_one_day_share_its_budget() -> None:
    events = rows([[0.1, 0.9, 0.5, 0.7]], {(0, 1)})
    apart = events.assign(as_of=events["as_of"] + pd.to_timedelta(np.arange(4), unit="h"))
    assert at_budget(apart, 2).tolist() == [False, True, False, True]
    assert budget_metrics(apart, 2)["alerts_a_day"] == 2.0


def test_detection_counts_from_the_onset_to_the_first_alert() -> None:
    tested = rows([[0.1, 0.9], [0.9, 0.1], [0.95, 0.1]], {(0, 0), (1, 0), (2, 0)})
    assert days_to_detect(tested, 1).to_dict() == {"a0": 8.0}
    assert days_to_detect(tested.assign(as_of=tested["as_of"].dt.as_unit("ns")), 1).to_dict() == {"a0": 8.0}
    assert days_to_detect(tested.assign(score=[0.0, 1.0] * 3), 1).isna().all()


def test_a_group_with_more_false_alerts_than_others_stands_out() -> None:
    rng = np.random.default_rng(2)
    size = 600
    tested = pd.DataFrame(
        {
            "as_of": MONDAYS[0],
            "positive": np.arange(size) % 60 == 0,
            "weight": 1.0,
            "tenure": np.where(np.arange(size) < 200, "new", "settled"),
        }
    ).assign(score=lambda f: rng.random(size) + (f["tenure"] == "new"))
    ratios = {group: metrics["false_alert_ratio"] for _, group, metrics in by_segment(tested, 100)}
    assert ratios["new"] > 2.5
    assert ratios["settled"] == 0.0


def test_a_row_that_stands_for_many_weighs_in_its_group() -> None:
    size = 120
    tested = pd.DataFrame(
        {
            "as_of": MONDAYS[0],
            "positive": np.arange(size) < 10,
            "tenure": "new",
            "weight": np.where(np.arange(size) < 10, 1.0, 50.0),
        }
    ).assign(score=np.r_[np.linspace(0.5, 0.9, 10), np.linspace(0.0, 0.7, size - 10)])
    ((_, _, heavy),) = by_segment(tested, 10)
    ((_, _, even),) = by_segment(tested.assign(weight=1.0), 10)
    assert heavy["average_precision"] < even["average_precision"]


def test_segments_come_from_the_features_that_are_there() -> None:
    vectors = pd.DataFrame({"institution": [0.0, 1.0], "account_age_days": [3.0, 400.0]})
    assert segments_of(vectors).to_dict("list") == {"kind": ["person", "institution"], "tenure": ["new", "settled"]}


@pytest.mark.parametrize("name", ["anomaly", "violations", "m_score"])
def test_every_model_has_a_report_with_its_limits_and_what_it_is_not_for(
    name: str, request: pytest.FixtureRequest
) -> None:
    trained: Trained = request.getfixturevalue(name)
    page = evaluation_report(trained, {"wash_trading/held_out": {"auc": 0.5}})
    for heading in (
        "Must not be used for",
        "Metrics by split",
        "Groups of accounts",
        "Compared with the champion",
        "Limits",
    ):
        assert heading in page
    assert "There is no champion to compare with." not in page
    assert "There is no champion to compare with." in evaluation_report(trained)
    for picture in trained.plots.values():
        assert picture.decode() in page


def test_figures_of_the_page_are_those_that_were_measured(violations: Trained) -> None:
    page = evaluation_report(violations, {"wash_trading/held_out": {"auc": 0.5}})
    measured = violations.metrics["wash_trading/held_out"]["auc"]
    assert f"{measured:.3f}" in page
    assert f"{measured - 0.5:+.3f}" in page
    precision = budget_metrics(violations.tested["wash_trading"], 10)["precision"]
    assert f"{precision:.3f}" in page
    assert len(violations.tested["wash_trading"]) == sum(
        violations.metrics["wash_trading/held_out"][name] for name in ("positives", "negatives")
    )


def test_what_others_wrote_is_escaped(violations: Trained) -> None:
    page = evaluation_report(replace(violations, notes=("<script>alert(1)</script>",)))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
