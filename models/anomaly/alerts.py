"""Which accounts of a day the anomaly model would show a person: the most unusual within a budget, with q-values."""

import math

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control


def daily_alerts(scored: pd.DataFrame, budget: int) -> pd.DataFrame:
    """The `budget` most unusual rows of each moment, the most unusual first.

    The q-value of a row is the share of honest accounts to expect among it and all more unusual ones (Benjamini and
    Hochberg over the accounts of its moment; docs/methods.md#conformal-p-values). It holds for one row an account and
    moment.

    Args:
        scored: account_id, as_of, anomaly_score and anomaly_p_value (`AnomalyModel.predict`), all accounts of each
            moment: of fewer the q-values would be too small.

    Returns:
        The rows' columns, `anomaly_q_value` and `rank` (1 = most unusual of its moment).

    Raises:
        ValueError: the budget is below one, or an account appears twice at one moment.
    """
    if budget < 1:
        raise ValueError(f"The budget is {budget} alerts; it must be at least 1.")
    if scored.duplicated(["account_id", "as_of"]).any():
        raise ValueError("An account appears twice at one moment; q-values need one row an account and moment.")
    q_values = scored.groupby("as_of")["anomaly_p_value"].transform(lambda p: false_discovery_control(p.to_numpy()))
    ranks = scored.groupby("as_of")["anomaly_score"].rank(method="first", ascending=False).astype(int)
    with_q = scored.assign(anomaly_q_value=q_values, rank=ranks)
    return with_q[ranks <= budget].sort_values(["as_of", "rank"], ignore_index=True)


def needed_at_the_floor(tests: int, calibration: int, level: float) -> int:
    """How many accounts it takes at the smallest p-value for their q-value to reach the level; further up, more.

    The smallest p-value is 1 / (calibration + 1), whatever an account does; with k accounts there the q-value is
    tests / (k (calibration + 1)).

    >>> needed_at_the_floor(20_000, 2_000, 0.1)
    100
    >>> needed_at_the_floor(20_000, 50_000, 0.1)
    4
    """
    return math.ceil(tests / (level * (calibration + 1)) - 1e-9)


def resolution_note(tests: int, calibration: int, level: float) -> str:
    """In a sentence, how fine the q-values of a day of so many accounts are; a warning where one alert cannot count."""
    needed = needed_at_the_floor(tests, calibration, level)
    if needed <= 1:
        return f"One account alone can reach a q-value of {level:g} among {tests:,}."
    takes = f"only {needed:,} or more together reach" if needed <= tests else "none can reach"
    return (
        f"Warning: p-values end at {1 / (calibration + 1):.2g}; among {tests:,} accounts a day {takes} a q-value of "
        f"{level:g}. Read the ranks, or calibrate on more accounts."
    )


def accounts_a_day(moments: pd.Series) -> int:
    """The most rows that share a moment."""
    return int(np.max(moments.value_counts().to_numpy(), initial=0))
