"""What the M Score is taught: which accounts became the most valuable of their cohort without a confirmed violation."""

from datetime import timedelta

import numpy as np
import pandas as pd

from models.targets import known_findings
from models.vectors import Flags, series_microseconds


def forward_target(
    value: pd.DataFrame,
    labels: pd.DataFrame,
    horizon: timedelta,
    *,
    top_share: float,
    labels_as_of: pd.Timestamp | None = None,
) -> pd.DataFrame:
    """The modelled target H of docs/methods.md#m-score-target, rows as in `value`.

    H is 1 for the `top_share` of each as_of cohort by clean net contribution, where that is above nothing and no
    confirmed violation lies in the horizon (from onset to when it was known; a finding without onset always counts).

    Args:
        value: account_id, as_of and `cnc`, the clean net contribution in USD over the horizon after as_of; NaN where
            the horizon is not over yet.
        labels: the label table.
        horizon: the length over which `cnc` was earned.
        labels_as_of: the training cut-off.

    Returns:
        Columns `target` (0 or 1) and `known` (bool), with the index of `value`.
    """
    is_known = value["cnc"].notna()
    threshold = value.groupby("as_of")["cnc"].transform(lambda cnc: cnc.quantile(1 - top_share))
    best = is_known & (value["cnc"] >= threshold) & (value["cnc"] > 0)
    violated = _violated(value, labels, horizon, labels_as_of)
    return pd.DataFrame({"target": (best.to_numpy() & ~violated).astype(int), "known": is_known}, index=value.index)


def _violated(
    value: pd.DataFrame, labels: pd.DataFrame, horizon: timedelta, labels_as_of: pd.Timestamp | None
) -> Flags:
    findings = known_findings(labels, labels_as_of)
    confirmed = findings[findings["finding"] == "confirmed"]
    rows = pd.DataFrame(
        {
            "row": np.arange(len(value)),
            "account_id": value["account_id"].astype(str).to_numpy(),
            "as_of_us": series_microseconds(value["as_of"]),
        }
    ).merge(confirmed[["account_id", "onset_us", "known_us"]], on="account_id")
    until = rows["as_of_us"] + horizon / timedelta(microseconds=1)
    always = np.isneginf(rows["onset_us"])
    touching = (rows["onset_us"] <= until) & (always | (rows["known_us"] > rows["as_of_us"]))
    violated = np.zeros(len(value), dtype=bool)
    violated[rows.loc[touching, "row"].to_numpy()] = True
    return violated
