"""The Fraud Detection Handbook's customer and terminal features, through our own words, equal an oracle in pandas."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ibis import _

from features.activity.importing import Import
from features.activity.mapping import load_mapping
from features.catalogue import Feature
from features.facts.flows import FLOWS
from features.home import Home
from features.kernel.progress import silent
from features.pipeline import Features
from features.vocabulary.aggregates import THE_EVENT, by_then, count, days, mean, share, total, usd

REPOSITORY = Path(__file__).parents[2]
SHARED = Path(os.environ.get("MSCORE_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
PAYMENTS = SHARED / "fdh" / "transactions.parquet"
WINDOWS = (1, 7, 30)
DELAY_DAYS = 7
DAY = pd.Timedelta(days=1)
TO_CENTS = 100

pytestmark = pytest.mark.skipif(not PAYMENTS.exists(), reason="the handbook's payments are not at hand")


def customer_features() -> list[Feature]:
    return [
        feature
        for n in WINDOWS
        for feature in (
            Feature(f"customer_n_{n}d", FLOWS, count(), days(n), "count", f"payments in {n} days", "4.4"),
            Feature(f"customer_mean_{n}d", FLOWS, usd(mean(_.amount)), days(n), "usd", f"mean in {n} days", "4.4"),
        )
    ]


def terminal_features() -> list[Feature]:
    late = days(DELAY_DAYS)
    return [
        feature
        for n in WINDOWS
        for feature in (
            Feature(
                f"terminal_n_{n}d",
                FLOWS,
                count(),
                days(n),
                "count",
                f"payments at the terminal in {n} days, a week ago",
                "4.4",
                key=_.other,
                delay=late,
            ),
            Feature(
                f"terminal_fraud_{n}d",
                FLOWS,
                share(by_then("reported")),
                days(n),
                "share",
                f"of the payments at the terminal in {n} days, a week ago, were reported",
                "4.4",
                key=_.other,
                delay=late,
            ),
        )
    ]


@pytest.fixture(scope="module")
def payments() -> pd.DataFrame:
    """All payments in the order of time, with the moment just after each, so that the payment itself counts."""
    rows = pd.read_parquet(PAYMENTS).sort_values(["TX_DATETIME", "TRANSACTION_ID"]).reset_index(drop=True)
    return rows.assign(cents=(rows["TX_AMOUNT"] * TO_CENTS).round().astype("int64"))


@pytest.fixture(scope="module")
def handbook(tmp_path_factory: pytest.TempPathFactory) -> Features:
    """The payments, imported through the shipped mapping."""
    home = Home(tmp_path_factory.mktemp("handbook"))
    importing = Import(home.lake, home.quarantine, datetime(2018, 9, 1, tzinfo=UTC), silent)
    importing.mapped(PAYMENTS.parent, load_mapping("fdh"))
    return Features(home.lake)


def spine_of(asked: pd.DataFrame, after: str = "1us") -> pd.DataFrame:
    """The payments as requests, judged just after they were made unless told otherwise."""
    return pd.DataFrame(
        {
            "account_id": asked["CUSTOMER_ID"].astype(str),
            "as_of": asked["TX_DATETIME"].dt.tz_localize("UTC") + pd.Timedelta(after),
            "event_id": asked["TRANSACTION_ID"].astype(str),
        }
    )


def rolled(
    history: pd.DataFrame, asked: pd.DataFrame, column: str, value: Callable[[pd.DataFrame], pd.Series], delay: int
) -> pd.DataFrame:
    """Per asked payment and window: how many earlier payments share its column's value, and the sum of their values."""
    found = {(n, what): np.zeros(len(asked), dtype="int64") for n in WINDOWS for what in ("n", "sum")}
    position = {row: place for place, row in enumerate(asked.index)}
    by_key = dict(tuple(history.groupby(column)))
    for key, rows in asked.groupby(column):
        past = by_key[key]
        times = past["TX_DATETIME"].to_numpy()
        sums = np.concatenate([[0], value(past).cumsum().to_numpy()])
        until = rows["TX_DATETIME"].to_numpy() - np.timedelta64(delay, "D")
        last = times.searchsorted(until, side="right")
        at = [position[row] for row in rows.index]
        for n in WINDOWS:
            first = times.searchsorted(until - np.timedelta64(n, "D"), side="right")
            found[n, "n"][at] = last - first
            found[n, "sum"][at] = sums[last] - sums[first]
    return pd.DataFrame({f"{what}_{n}": values for (n, what), values in found.items()})


def test_customer_windows_are_those_of_the_handbook(handbook: Features, payments: pd.DataFrame) -> None:
    customers = np.random.default_rng(3).choice(payments["CUSTOMER_ID"].unique(), 100, replace=False)
    asked = payments[payments["CUSTOMER_ID"].isin(customers)]
    ours = handbook.vectors(spine_of(asked), customer_features())
    theirs = rolled(payments, asked, "CUSTOMER_ID", lambda rows: rows["cents"], delay=0)
    assert len(ours) > 10_000
    for n in WINDOWS:
        np.testing.assert_array_equal(ours[f"customer_n_{n}d"], theirs[f"n_{n}"])
        expected = theirs[f"sum_{n}"] / TO_CENTS / theirs[f"n_{n}"]
        np.testing.assert_allclose(ours[f"customer_mean_{n}d"], expected, rtol=1e-12)


def test_terminal_windows_a_week_ago_are_those_of_the_handbook(handbook: Features, payments: pd.DataFrame) -> None:
    frauds = payments.loc[payments["TX_FRAUD"] == 1, "TERMINAL_ID"].value_counts()
    quiet = payments.loc[~payments["TERMINAL_ID"].isin(frauds.index), "TERMINAL_ID"].unique()
    random = np.random.default_rng(4)
    terminals = np.concatenate([random.choice(frauds.index, 40, replace=False), random.choice(quiet, 10)])
    asked = payments[payments["TERMINAL_ID"].isin(terminals)]
    ours = handbook.vectors(spine_of(asked), terminal_features())
    theirs = rolled(payments, asked, "TERMINAL_ID", lambda rows: rows["TX_FRAUD"], DELAY_DAYS)
    for n in WINDOWS:
        np.testing.assert_array_equal(ours[f"terminal_n_{n}d"], theirs[f"n_{n}"])
        expected = theirs[f"sum_{n}"] / theirs[f"n_{n}"].clip(lower=1)
        np.testing.assert_allclose(ours[f"terminal_fraud_{n}d"], expected, rtol=1e-12)
    assert ours["terminal_fraud_30d"].max() > 0


def test_the_payment_that_is_judged_is_a_feature_of_its_own_row(handbook: Features, payments: pd.DataFrame) -> None:
    asked = payments.iloc[200_000:200_200]
    own = Feature("payment_usd", FLOWS, usd(total(_.amount)), THE_EVENT, "usd", "is the payment itself", "4.4")
    np.testing.assert_allclose(
        handbook.vectors(spine_of(asked, "0us"), [own])["payment_usd"], asked["TX_AMOUNT"], rtol=1e-12
    )
