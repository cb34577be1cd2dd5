"""Tests of the M Score's target."""

from datetime import timedelta

import numpy as np
import pandas as pd

from models.m_score.value import forward_target
from tests.models.toy import START, labels_of

HORIZON = timedelta(days=14)


def cohort(values: list[float], as_of: pd.Timestamp = START) -> pd.DataFrame:
    return pd.DataFrame({"account_id": [f"a{n}" for n in range(len(values))], "as_of": as_of, "cnc": values})


def target(value: pd.DataFrame, *labels: dict[str, object]) -> list[int]:
    found = forward_target(value, labels_of(*labels), HORIZON, top_share=0.1)
    return [int(one) for one in found["target"]]


def test_the_best_tenth_of_each_cohort_is_positive() -> None:
    rich = cohort([float(n) * 100 for n in range(1, 21)], START + pd.Timedelta(days=7))
    poor = cohort([float(n) for n in range(1, 21)])
    both = target(pd.concat([poor, rich], ignore_index=True))
    assert np.flatnonzero(both).tolist() == [18, 19, 38, 39]


def test_nobody_is_valuable_where_nobody_contributes() -> None:
    assert target(cohort([0.0, -1.0, 0.0])) == [0, 0, 0]


def test_a_violation_that_touches_the_horizon_is_never_a_positive() -> None:
    value = cohort([1.0, 2.0, 9.0])
    touching = {"account_id": "a2", "onset": START + timedelta(days=10), "known_at": START + timedelta(days=20)}
    assert target(value, touching) == [0, 0, 0]
    assert target(value, {"account_id": "a2"}) == [0, 0, 0]


def test_a_violation_settled_before_or_begun_after_the_horizon_does_not_count() -> None:
    value = cohort([1.0, 2.0, 9.0])
    settled = {"account_id": "a2", "onset": START - timedelta(days=30), "known_at": START - timedelta(days=9)}
    later = {"account_id": "a2", "onset": START + timedelta(days=15), "known_at": START + timedelta(days=20)}
    assert target(value, settled) == [0, 0, 1]
    assert target(value, later) == [0, 0, 1]
    assert target(value, {"account_id": "a2", "finding": "cleared"}) == [0, 0, 1]


def test_what_is_not_over_yet_is_not_known() -> None:
    found = forward_target(cohort([1.0, np.nan, 9.0]), labels_of(), HORIZON, top_share=0.1)
    assert found["known"].tolist() == [True, False, True]
    assert found["target"].tolist() == [0, 0, 1]
