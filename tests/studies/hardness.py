"""Gates on difficulty (`make gates`): no violation may be told by one number, and violators live among the honest.

Run as `python -m tests.studies.hardness --profile small --seeds 101-110`. The convention of rows is that of
`account_weeks`. What is best among the features is chosen on every second seed and measured on the others, both ways
round: the best of hundreds looks better on few rows than it is. A gate that fails ends the run with status 1.
"""

import argparse
import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from lightgbm import LGBMClassifier
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score
from sklearn.neighbors import NearestNeighbors
from sklearn.tree import DecisionTreeClassifier

from features.definitions import CATALOGUE
from features.simulator.profiles import PROFILES
from tests.studies.account_weeks import RULES, Weeks, account_weeks
from tests.studies.seeds import seeds

MOST_SINGLE_AUC, MOST_SAME_LABEL, MOST_SMALL_TREE = 0.90, 0.80, 0.70
PREVALENCE, MOST_ACCOUNT_DAYS = (0.015, 0.03), 0.003
NEIGHBOURS, LEAST_ROWS_FOR_TREES = 10, 60
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Hardness:
    """One typology: how much there is of it, its best single feature, and what neighbours and a small tree find.

    `auc` is the mean of both halves; `feature` is the one chosen on the first.
    """

    typology: str
    units: int
    accounts: int
    rows: int
    look_alikes: int
    feature: str
    auc: float
    same_label: float
    small_tree: float
    """Average precision of a tree of depth 2 over that of boosted trees, both on seeds held out; NaN: too few rows."""

    @property
    def holds(self) -> bool:
        """Whether all gates hold; what rules and lists decide alone has none. An area that is unknown holds nothing."""
        easy = self.same_label > MOST_SAME_LABEL or self.small_tree > MOST_SMALL_TREE
        return self.typology in RULES or (self.auc < MOST_SINGLE_AUC and not easy)


def feature_auc(values: Floats, positive: Bools) -> float:
    """The area under the curve of one feature, more of it meaning guiltier.

    >>> feature_auc(np.array([3.0, 2.0, 1.0]), np.array([False, False, True]))
    0.0
    """
    ranks, n = rankdata(values), int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(values) - n)))


def best_feature(values: Floats, positive: Bools, halves: tuple[Bools, Bools]) -> tuple[int, float]:
    """The feature that tells best on the first half of the rows, in its better direction, and the area held out.

    Each half chooses for the other, the area is the mean of both.

    Args:
        values: rows x features.
        halves: which rows are in the first and in the second half; where one has no positive row the area is NaN.
    """
    if not all(positive[half].any() for half in halves):
        return 0, float("nan")
    chosen, areas = [], []
    for own, other in (halves, halves[::-1]):
        found = np.array([feature_auc(column, positive[own]) for column in values[own].T]) - 0.5
        best = int(np.argmax(np.abs(found)))
        area = feature_auc(values[other, best], positive[other])
        chosen.append(best)
        areas.append(area if found[best] > 0 else 1 - area)
    return chosen[0], float(np.mean(areas))


def hardness(weeks: Weeks) -> list[Hardness]:
    """Every typology of the rows, measured against all honest rows, look-alikes among them."""
    rows, names = weeks.rows, list(CATALOGUE.names)
    values = known_values(rows[names].to_numpy(dtype=np.float64))
    honest, plane = rows["honest"].to_numpy(dtype=bool), first_components(values)
    found = []
    for typology in sorted({name for active in rows["active"] for name in active}):
        positive = np.array([typology in active for active in rows["active"]])
        chosen = positive | honest
        first = rows["seed"].to_numpy()[chosen] % 2 == 0
        best, area = best_feature(values[chosen], positive[chosen], (first, ~first))
        members = weeks.truth[weeks.truth["typology"] == typology]
        found.append(
            Hardness(
                typology=typology,
                units=members[["seed", "ring_id"]].drop_duplicates().shape[0],
                accounts=members[["seed", "account_id"]].drop_duplicates().shape[0],
                rows=int(positive.sum()),
                look_alikes=int((weeks.look_alikes["resembles"] == typology).sum()),
                feature=names[best],
                auc=area,
                same_label=same_label_rate(plane[chosen], positive[chosen]),
                small_tree=small_tree_share(values[chosen], positive[chosen], rows["seed"].to_numpy()[chosen]),
            )
        )
    return found


def known_values(values: Floats) -> Floats:
    """The values, an unknown one taken as the median of its column, and as 0 where nobody's is known.

    >>> known_values(np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, np.nan]])).tolist()
    [[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]
    """
    usual = np.array([np.median(known) if len(known := column[~np.isnan(column)]) else 0.0 for column in values.T])
    return np.where(np.isnan(values), usual, values)


def first_components(values: Floats) -> Floats:
    """The first two principal components of features brought to one scale (sign and log, median and spread)."""
    scaled = np.sign(values) * np.log1p(np.abs(values))
    spread = np.maximum(scaled.std(axis=0), 1e-9)
    scaled = np.clip((scaled - np.median(scaled, axis=0)) / spread, -8, 8)
    centred = scaled - scaled.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return np.asarray(centred @ axes[:, -2:])


def same_label_rate(plane: Floats, positive: Bools) -> float:
    """Of the nearest neighbours of violating rows in the plane, the share that violate, too."""
    nearest = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(plane)
    around = nearest.kneighbors(plane[positive], return_distance=False)[:, 1:]
    return float(positive[around].mean())


def small_tree_share(values: Floats, positive: Bools, seed: npt.NDArray[np.int64]) -> float:
    """Average precision of a depth-2 tree over that of boosted trees; even seeds learn for odd ones and vice versa."""
    even = seed % 2 == 0
    if min(positive[even].sum(), positive[~even].sum()) < LEAST_ROWS_FOR_TREES / 2:
        return float("nan")
    small = DecisionTreeClassifier(max_depth=2, class_weight="balanced", random_state=0)
    full = LGBMClassifier(
        n_estimators=300,
        num_leaves=7,
        learning_rate=0.06,
        min_child_samples=10,
        colsample_bytree=0.3,
        subsample=0.8,
        subsample_freq=1,
        reg_lambda=5.0,
        scale_pos_weight=10,
        verbose=-1,
        n_jobs=1,
    )
    found = np.zeros(2)
    for train in (even, ~even):
        for place, model in enumerate((small, full)):
            model.fit(values[train], positive[train])
            scores = np.asarray(model.predict_proba(values[~train]))[:, 1]
            found[place] += average_precision_score(positive[~train], scores)
    return float(found[0] / max(found[1], 1e-9))


def prevalence_holds(accounts: float, account_days: float) -> bool:
    """Whether so few violate as the reference says, of the accounts and of the account-days."""
    return PREVALENCE[0] <= accounts <= PREVALENCE[1] and account_days <= MOST_ACCOUNT_DAYS


def main(arguments: list[str]) -> int:
    """Print the table; 1 if a gate fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=list(PROFILES), default="small")
    parser.add_argument("--seeds", type=seeds, default=range(101, 111))
    chosen = parser.parse_args(arguments)
    weeks = account_weeks(chosen.profile, chosen.seeds)
    table = hardness(weeks)
    print(
        f"{'typology':<25}{'units':>6}{'accounts':>9}{'weeks':>6}{'alike':>6}  {'AUC':>5} {'kNN':>5} {'tree':>5}  best"
    )
    for row in table:
        verdict = "rules" if row.typology in RULES else "ok" if row.holds else "EASY"
        print(
            f"{row.typology:<25}{row.units:>6}{row.accounts:>9}{row.rows:>6}{row.look_alikes:>6}  "
            f"{row.auc:>5.3f} {row.same_label:>5.2f} {row.small_tree:>5.2f}  {row.feature} ({verdict})"
        )
    accounts, days = weeks.prevalence
    print(f"violating accounts {accounts:.2%}, account-days {days:.3%}, rows {len(weeks.rows):,}")
    rare = prevalence_holds(accounts, days)
    print("prevalence ok" if rare else "prevalence out of bounds")
    return 0 if rare and all(row.holds for row in table) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
