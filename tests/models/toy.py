"""A small catalogue and exchange for the tests of the models: weekly vectors of accounts, some of which wash trade."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import ibis
import numpy as np
import pandas as pd

from features.activity.schema import LABELS
from features.catalogue import Catalogue, Feature
from features.facts.fact import Fact
from features.vocabulary.aggregates import count, days

TOY_FACT = Fact(
    "toy",
    "one thing an account did",
    ibis.table({"account_id": "string", "ts": "int64", "known_from": "int64", "row_id": "string"}, name="toy"),
    "trades",
)
INPUTS: tuple[tuple[str, str, str | None, int], ...] = (
    ("institution", "flag", None, 0),
    ("perp_share_30d", "share", None, 0),
    ("trades_n_30d", "count", None, 0),
    ("wash_share_7d", "share", None, 0),
    ("cancel_ratio_7d", "share", None, 0),
    ("volume_usd_30d", "usd", None, 0),
    ("active_days_30d", "count", "trading", 1),
    ("days_since_last_trade", "days", "trading", -1),
    ("staked_usd", "usd", "staking", 1),
    ("kyc_level", "level", "kyc", 1),
    ("account_age_days", "days", "tenure", 1),
)
CATALOGUE = Catalogue(
    tuple(
        Feature(name, TOY_FACT, count(), days(7), unit, f"is the {name}", "M", pillar=pillar, direction=direction)
        for name, unit, pillar, direction in INPUTS
    )
)
OTHER_CATALOGUE = Catalogue(tuple(replace(feature, version=2) for feature in CATALOGUE))
START = pd.Timestamp("2026-01-05", tz="UTC")
WEEKS = 6
CUTOFF = START + pd.Timedelta(weeks=WEEKS)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Vectors, labels, and the M Score's target with its mask."""

    vectors: pd.DataFrame
    labels: pd.DataFrame
    target: pd.Series
    known: pd.Series


def labels_of(*rows: Mapping[str, object]) -> pd.DataFrame:
    """A label table; what a row does not say is an external finding confirmed on wash_trading, known from the start."""
    usual: dict[str, object] = {
        "typology": "wash_trading",
        "finding": "confirmed",
        "onset": None,
        "known_at": START,
        "source": "external",
        "event_id": None,
        "group_id": None,
    }
    frame = pd.DataFrame([{**usual, **row} for row in rows], columns=[column.name for column in LABELS.columns])
    for clock in ("onset", "known_at"):
        frame[clock] = pd.to_datetime(frame[clock], utc=True).dt.as_unit("us")
    return frame


def vectors_of(accounts: list[str], moments: list[pd.Timestamp], values: pd.DataFrame) -> pd.DataFrame:
    """A vectors frame from its keys and feature values."""
    as_of = pd.Series(moments).dt.as_unit("us").reset_index(drop=True)
    keys = pd.DataFrame({"account_id": accounts, "as_of": as_of})
    return pd.concat([keys, values[list(CATALOGUE.names)].reset_index(drop=True)], axis=1)


def exchange(accounts: int = 240, violators: int = 24, seed: int = 3) -> Exchange:
    """Accounts seen on six Mondays; the first ones wash trade in rings of three, from the second week on."""
    rng = np.random.default_rng(seed)
    rows = accounts * WEEKS
    who, week = np.repeat(np.arange(accounts), WEEKS), np.tile(np.arange(WEEKS), accounts)
    washing = (who < violators) & (week >= 1)
    activity = rng.gamma(2.0, 10.0, accounts)[who]
    values = pd.DataFrame(
        {
            "institution": (who % 7 == 0).astype(float),
            "perp_share_30d": rng.choice([0.0, 0.5, 1.0], accounts)[who],
            "trades_n_30d": np.round(activity * rng.uniform(0.5, 1.5, rows)),
            "wash_share_7d": np.where(washing, rng.beta(4, 6, rows), rng.beta(1, 20, rows)),
            "cancel_ratio_7d": rng.beta(2, 5, rows) + 0.1 * washing,
            "volume_usd_30d": np.exp(rng.normal(8, 1.5, rows)) * (1 + 2 * washing),
            "active_days_30d": np.minimum(30, np.round(activity / 2)),
            "days_since_last_trade": rng.exponential(3, rows),
            "staked_usd": np.where(rng.random(accounts) < 0.7, 0.0, rng.gamma(2, 500, accounts))[who],
            "kyc_level": rng.integers(0, 4, accounts)[who].astype(float),
            "account_age_days": rng.uniform(10, 900, accounts)[who] + 7 * week,
        }
    )
    values.loc[rng.random(rows) < 0.05, "days_since_last_trade"] = np.nan
    names = [f"a{number:04d}" for number in who]
    vectors = vectors_of(names, [START + pd.Timedelta(weeks=int(number)) for number in week], values)
    labels = [
        {
            "account_id": f"a{number:04d}",
            "onset": START + pd.Timedelta(days=4),
            "known_at": START + pd.Timedelta(days=30),
            "source": "review",
            "group_id": f"ring{number // 3}",
        }
        for number in range(violators)
    ]
    labels += [{"account_id": f"a{accounts - 1 - number:04d}", "finding": "cleared"} for number in range(3)]
    labels += [{"account_id": f"a{100 + number:04d}", "typology": "spoofing"} for number in range(2)]
    merit = values["active_days_30d"] / 10 + values["kyc_level"] / 2 + np.log1p(values["staked_usd"]) / 5
    target = pd.Series((merit + rng.normal(0, 0.7, rows) > 4.0).astype(int), index=vectors.index)
    return Exchange(vectors, labels_of(*labels), target, pd.Series(week < 5, index=vectors.index))
