"""Vectors of simulated accounts at the end of every week, with what the truth says about that week.

The convention: a row is an account that did anything in the 7 days before (a session, an order, a transfer); it is
positive for a typology if an episode of it with that account fell into those 7 days. Negative are the rows of accounts
that never violate anything, look-alikes among them. The accounts of the case study and those that were banned before
are neither.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.activity.snapshot import Activity
from features.pipeline import Features
from features.simulator.exchange import Simulation, simulate
from features.simulator.profiles import PROFILES

WEEK = pd.Timedelta(days=7)
RULES = (
    "kyc_gate",
    "restricted_jurisdiction",
    "sanctions_exposure",
    "legal_order",
    "illicit_assets",
    "banned_reentry",
)
"""Typologies that state and lists decide: no gate asks them to be hard."""
NEITHER = ("flock_ring", "banned")


@dataclass(frozen=True, slots=True)
class Weeks:
    """Rows (seed, account_id, as_of, role, active, honest, the catalogue's features), and the truth behind them."""

    rows: pd.DataFrame
    truth: pd.DataFrame
    """Offences with their seed, without those of the case study."""
    look_alikes: pd.DataFrame
    """Honest accounts that resemble a typology: seed, account_id, resembles."""
    prevalence: tuple[float, float]
    """Shares of accounts that ever violate, and of account-days on which an episode fell; means over the seeds."""


def account_weeks(profile: str, seeds: Iterable[int]) -> Weeks:
    """Rows of all seeds together."""
    rows, truths, alike, rare = [], [], [], []
    for seed in seeds:
        run = simulate(PROFILES[profile], seed)
        truth = run.truth["truth_accounts"].to_pandas()
        rows.append(_rows(run).assign(seed=seed))
        truths.append(truth[truth.typology.notna() & ~truth.role.isin(NEITHER)].assign(seed=seed))
        alike.append(truth[truth.resembles.notna()].assign(seed=seed))
        rare.append(prevalence(run, PROFILES[profile].days))
    together = [pd.concat(parts, ignore_index=True) for parts in (rows, truths, alike)]
    accounts, days = np.mean(rare, axis=0).tolist()
    return Weeks(together[0], together[1], together[2], (accounts, days))


def _rows(run: Simulation) -> pd.DataFrame:
    features = Features(Activity.from_frames(run.activity, version="gates"))
    first, last = features.span()
    moments = pd.date_range(first.floor("D") + WEEK, last.ceil("D"), freq=WEEK)
    spine = pd.concat([features.accounts(at) for at in moments], ignore_index=True)
    spine = spine.merge(_busy(run, moments), on=["account_id", "as_of"])
    vectors = features.vectors(spine)
    truth = run.truth["truth_accounts"].to_pandas()
    guilty = set(truth.account_id[truth.typology.notna()])
    vectors["role"] = vectors.account_id.map(truth.drop_duplicates("account_id").set_index("account_id").role)
    vectors["active"] = active_typologies(run, vectors)
    vectors["honest"] = ~vectors.account_id.isin(guilty) & ~vectors.role.isin(NEITHER)
    return vectors[~vectors.role.isin(NEITHER)]


def _busy(run: Simulation, moments: pd.DatetimeIndex) -> pd.DataFrame:
    found = []
    for name in ("sessions", "order_events", "transfers"):
        rows = run.activity[name].select(["account_id", "ts"]).to_pandas()
        week = np.searchsorted(moments, rows.ts, side="right")
        rows = rows.assign(week=week)[week < len(moments)].drop_duplicates(["account_id", "week"])
        found.append(pd.DataFrame({"account_id": rows.account_id, "as_of": moments[rows.week]}))
    return pd.concat(found).drop_duplicates()


def active_typologies(run: Simulation, rows: pd.DataFrame) -> "pd.Series[Any]":
    """The typologies of which an episode with the account fell into the week before the row's moment."""
    episodes = run.truth["truth_episodes"].to_pandas().explode("account_ids")
    moments = rows[["as_of"]].drop_duplicates()
    pairs = episodes.merge(moments, how="cross")
    inside = (pairs.started_at < pairs.as_of) & (pairs.ended_at >= pairs.as_of - WEEK)
    found = pairs[inside].groupby(["account_ids", "as_of"]).typology.agg(frozenset)
    keys = pd.MultiIndex.from_frame(rows[["account_id", "as_of"]])
    values = [found.get(key, frozenset()) for key in keys]
    return pd.Series(values, index=rows.index, dtype=object)


def prevalence(run: Simulation, days: int) -> tuple[float, float]:
    """Shares of accounts that ever violate, and of account-days on which an episode fell."""
    truth = run.truth["truth_accounts"].to_pandas()
    accounts = truth.account_id.nunique()
    episodes = run.truth["truth_episodes"].to_pandas().explode("account_ids").dropna(subset=["account_ids"])
    touched = {
        (row.account_ids, day)
        for row in episodes.itertuples()
        for day in {row.started_at.floor("D"), row.ended_at.floor("D")}
    }
    return truth.account_id[truth.typology.notna()].nunique() / accounts, len(touched) / accounts / days
