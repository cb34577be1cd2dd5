"""Tests of who is trained on and who is tested."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.evaluation.splits import Plan, plan_folds
from models.parameters import SHIPPED
from tests.models.toy import START

SETTINGS = SHIPPED.evaluation


def plan(accounts: int, weeks: int, every: int = 4) -> tuple[pd.DataFrame, np.ndarray, Plan | None]:
    frame = pd.DataFrame(
        [
            {"account_id": f"a{number}", "as_of": START + pd.Timedelta(weeks=week)}
            for number in range(accounts)
            for week in range(weeks)
        ]
    )
    number = np.repeat(np.arange(accounts), weeks)
    groups = np.array([f"g{value // 2}" for value in number])
    positive = number % every == 0
    return frame, groups, plan_folds(frame, positive, groups, SETTINGS, SETTINGS.folds, 7)


@pytest.mark.parametrize("weeks", [1, 2, 3, 5, 6, 13])
def test_a_group_is_never_trained_and_tested_at_once_and_a_row_tested_at_most_once(weeks: int) -> None:
    frame, groups, made = plan(60, weeks)
    assert made is not None
    tested = np.concatenate([fold.test for fold in made.folds])
    assert len(np.unique(tested)) == len(tested)
    for fold in made.folds:
        assert not set(groups[fold.train]) & set(groups[fold.test])
    if weeks < 3:
        assert len(tested) == len(frame)


@pytest.mark.parametrize(("weeks", "gap"), [(3, 1), (6, 1), (13, 1)])
def test_a_rolling_split_trains_on_the_past_and_leaves_a_gap(weeks: int, gap: int) -> None:
    frame, _, made = plan(60, weeks)
    assert made is not None
    assert made.protocol.startswith(f"rolling time split over {weeks} moments")
    for fold in made.folds:
        trained, tested = frame["as_of"].iloc[fold.train].max(), frame["as_of"].iloc[fold.test].min()
        assert tested - trained == pd.Timedelta(weeks=gap + 1)


def test_moments_that_accounts_do_not_share_are_folded_instead() -> None:
    frame = pd.DataFrame(
        {"account_id": [f"a{n}" for n in range(40)], "as_of": [START + pd.Timedelta(days=n) for n in range(40)]}
    )
    made = plan_folds(frame, np.arange(40) % 2 == 0, frame["account_id"].to_numpy().astype(str), SETTINGS, 10, 7)
    assert made is not None
    assert made.protocol.startswith("stratified 10-fold")


def test_nothing_can_be_tested_where_all_positives_are_one_group() -> None:
    frame = pd.DataFrame({"account_id": ["a"] * 6 + ["b"] * 6, "as_of": START})
    assert plan_folds(frame, np.arange(12) < 6, frame["account_id"].to_numpy().astype(str), SETTINGS, 10, 7) is None


def test_the_gap_can_be_closed() -> None:
    frame, groups, _ = plan(60, 6)
    made = plan_folds(frame, np.arange(360) % 4 == 0, groups, replace(SETTINGS, gap_moments=0), 10, 7)
    assert made is not None
    assert "gap of 0" in made.protocol
