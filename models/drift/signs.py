"""Whether what is scored now still looks like what was learned from. An alarm is no fault: markets move.

PSI per column, adversarial validation over all of them together, and whether p-values are still uniform.

See docs/methods.md#drift.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.stats import chi2
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from features.catalogue import Catalogue
from models.boosting.ensemble import FIXED, margins_of
from models.vectors import Floats

BINS = 10
WATCH, ACT = 0.10, 0.25
ADVERSARIAL_ALARM = 0.70
MARTINGALE_ALARM = 100.0
BETS = np.linspace(0.05, 0.95, 19)


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One feature or score.

    Attributes:
        psi: the population stability index.
        noise: what it exceeds in one of twenty comparisons of two samples of this size from one distribution.
        missing: by how much the share of unknown values rose.
    """

    name: str
    psi: float
    noise: float
    missing: float

    @property
    def state(self) -> str:
        """`act` from .25 on, `watch` from .10 on, where it is more than noise; else `ok`."""
        if self.psi <= self.noise or self.psi < WATCH:
            return "ok"
        return "act" if self.psi >= ACT else "watch"


@dataclass(frozen=True, slots=True)
class Drift:
    """What was found: columns (the most changed first), and how well a model tells then from now.

    Attributes:
        adversarial_auc: .5 = it cannot; NaN with too few accounts.
        telling: the columns by which it tells, the first is the strongest.
        left_out: how many windowed features were not compared, because their window reaches before the activity.
        martingale: the largest wealth of a bet against exchangeable p-values (100: an alarm that is false once in a
            hundred); NaN without p-values.
    """

    columns: tuple[ColumnDrift, ...]
    adversarial_auc: float
    telling: tuple[str, ...]
    martingale: float
    left_out: int = 0

    @property
    def alarms(self) -> tuple[str, ...]:
        """What asks for a person's look, in sentences; two of them mean: train again (docs/methods.md#drift)."""
        acting = [column.name for column in self.columns if column.state == "act"]
        sentences = []
        if acting:
            sentences.append(
                f"PSI is .25 or more for {', '.join(acting[:5])}{' and others' if len(acting) > 5 else ''}."
            )
        if self.adversarial_auc > ADVERSARIAL_ALARM:
            columns = ", ".join(self.telling[:3])
            sentences.append(f"A model tells then from now with AUC {self.adversarial_auc:.2f}, mostly by {columns}.")
        if self.martingale >= MARTINGALE_ALARM:
            sentences.append("More accounts look unusual than among those the anomaly model was calibrated on.")
        return tuple(sentences)

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values; what could not be said is null."""
        return {
            "alarms": list(self.alarms),
            "adversarial_auc": None if np.isnan(self.adversarial_auc) else self.adversarial_auc,
            "telling": list(self.telling),
            "left_out": self.left_out,
            "martingale": None if np.isnan(self.martingale) else self.martingale,
            "columns": [{**asdict(column), "state": column.state} for column in self.columns],
        }


def psi(reference: Floats, current: Floats) -> float:
    """The population stability index over the reference's deciles; unknown values are a bin of their own.

    >>> psi(np.arange(100.0), np.arange(100.0))
    0.0
    """
    then, now = _shares(reference, reference), _shares(reference, current)
    return float(np.sum((now - then) * np.log(now / then)))


def psi_noise(reference: int, current: int) -> float:
    """The 95th percentile of the index where nothing changed: (1/n + 1/m) times chi-squared (Yurdakul and Naranjo)."""
    return float((1 / max(1, reference) + 1 / max(1, current)) * chi2.ppf(0.95, BINS))


def _shares(reference: Floats, values: Floats) -> Floats:
    present = reference[~np.isnan(reference)]
    deciles = np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1]) if len(present) else np.empty(0)
    edges, repeated = np.unique(deciles, return_counts=True)
    # A value that many have is a bin of its own: what lies above it is something else.
    edges = np.unique(np.concatenate([edges, np.nextafter(edges[repeated > 1], np.inf)]))
    bin_of = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))
    counts = np.bincount(bin_of, minlength=len(edges) + 2)
    # Half an account in each bin, so that an empty one is rare and not impossible.
    return np.asarray((counts + 0.5) / (len(values) + 0.5 * len(counts)), dtype=np.float64)


def windowed(catalogue: Catalogue, history: timedelta) -> list[str]:
    """The features whose reach fits into the history: what counts from the beginning grows by itself."""
    longest = history / timedelta(microseconds=1)
    return [f.name for f in catalogue if f.reach_us is not None and f.reach_us <= longest]


def sequential_p_values(scores: Floats, calibration: Floats, seed: int) -> Floats:
    """Conformal p-values of scores taken one by one in a drawn order, each among the calibration and those before it.

    Independent and uniform where scores and calibration are exchangeable. p-values against one fixed calibration set
    are not independent, and a bet on them compounds what that set happened to be (Vovk, Gammerman and Shafer 2005).
    """
    random = np.random.default_rng(seed)
    ordered = np.sort(calibration).tolist()
    p_values = np.empty(len(scores))
    for position, score in enumerate(random.permutation(scores)):
        low, high = bisect_left(ordered, score), bisect_right(ordered, score)
        above, equal = len(ordered) - high, high - low + 1
        p_values[position] = (above + random.random() * equal) / (len(ordered) + 1)
        ordered.insert(high, score)
    return p_values


def martingale(p_values: Floats) -> float:
    """The largest wealth reached by betting that p-values, in their order, are small (mixture of power bets).

    By Ville's inequality it exceeds c with probability at most 1/c where each is uniform given those before it.
    """
    logs = np.log(np.maximum(p_values, 1e-300))
    wealth = np.cumsum(np.log(BETS)[:, None] + (BETS[:, None] - 1) * logs[None, :], axis=1)
    mixed = np.logaddexp.reduce(wealth, axis=0) - np.log(len(BETS))
    return float(np.exp(np.minimum(np.max(mixed, initial=0.0), 700.0)))


def drift_of(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    columns: Sequence[str],
    *,
    p_values: Floats | None = None,
    seed: int = 7,
) -> Drift:
    """How much the columns changed from the reference rows to the current ones.

    Args:
        reference, current: account_id and the columns (features, or scores of one model version); unknown is NaN.
        p_values: of the current rows, each uniform given those before it where nothing changed
            (`sequential_p_values`).

    Raises:
        ValueError: either has no rows.
    """
    if reference.empty or current.empty:
        raise ValueError("There are no rows to compare; drift needs a reference and current rows.")
    noise = psi_noise(len(reference), len(current))
    drifts = []
    for name in columns:
        then, now = (frame[name].to_numpy(dtype=float) for frame in (reference, current))
        missing = float(np.isnan(now).mean() - np.isnan(then).mean())
        drifts.append(ColumnDrift(name, psi(then, now), noise, missing))
    auc, telling = _adversarial(reference, current, columns, seed)
    wealth = float("nan") if p_values is None else martingale(p_values)
    return Drift(tuple(sorted(drifts, key=lambda column: (-column.psi, column.name))), auc, telling, wealth)


def _adversarial(
    reference: pd.DataFrame, current: pd.DataFrame, columns: Sequence[str], seed: int
) -> tuple[float, tuple[str, ...]]:
    """How well boosted trees tell the rows apart on accounts they have not seen, and by which columns."""
    both = pd.concat([reference, current], ignore_index=True)
    matrix, accounts = both[list(columns)].to_numpy(dtype=float), both["account_id"].astype(str).to_numpy()
    now = np.arange(len(both)) >= len(reference)
    if len(np.unique(accounts[now])) < 2 * BINS or len(np.unique(accounts[~now])) < 2 * BINS:
        return float("nan"), ()
    scores, gain = np.empty(len(both)), np.zeros(len(columns))
    for train, test in StratifiedGroupKFold(3, shuffle=True, random_state=seed).split(matrix, now, accounts):
        data = lgb.Dataset(matrix[train], now[train].astype(float))
        model = lgb.train({**FIXED, "num_leaves": 7, "learning_rate": 0.1, "seed": seed}, data, num_boost_round=60)
        scores[test] = margins_of(model, matrix[test])
        gain += model.feature_importance("gain")
    strongest = np.argsort(-gain)[:5]
    return float(roc_auc_score(now, scores)), tuple(columns[i] for i in strongest if gain[i] > 0)
