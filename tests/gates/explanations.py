"""Whether explanations add up, and whether another seed gives the same ones (`make explanations`).

Run as `python -m tests.gates.explanations --exchanges 151-154`. Every model is trained five times on the same vectors
and labels, with five seeds, and explains the accounts it is surest of. What another seed would explain otherwise is no
reason to give to anybody: below .8 methods 6.9 call an explanation diffuse.
"""

import argparse
import sys
from collections.abc import Mapping
from datetime import timedelta
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import spearmanr

from features.console import table
from features.definitions import CATALOGUE
from features.simulator.profiles import PROFILES
from models import anomaly, m_score, violations
from models.additive import Additive
from models.anomaly import AnomalyModel
from models.explanations import Explainer
from models.m_score import MScoreModel
from models.targets import confirmed_rows, known_findings
from models.vectors import VectorLayout
from models.violations import ViolationModels
from tests.gates.learning import gathered
from tests.gates.seeds import seeds

SEEDS = (7, 8, 9, 10, 11)
EXPLAINED, TOP = 200, 5
MOST_GAP, DIFFUSE = 1e-9, 0.8
Floats = npt.NDArray[np.float64]


def explained(train: pd.DataFrame, labels: pd.DataFrame, rows: pd.DataFrame, seed: int) -> Mapping[str, Additive]:
    """The rows' scores taken apart by each model of one seed; the violation models one a typology."""
    layout = VectorLayout.of(CATALOGUE)
    confirmed = confirmed_rows(train, known_findings(labels, None))
    unusual = AnomalyModel(layout, seed=seed).fit(train, confirmed)
    found = {anomaly.KIND: Explainer(unusual, anomaly.KIND, "1", CATALOGUE).additive(rows)}
    guilty = ViolationModels(layout, seed=seed).fit(train, labels)
    explainer = Explainer(guilty, violations.KIND, "1", CATALOGUE)
    found |= {f"violations:{name}": explainer.additive(rows, name) for name in guilty.typologies}
    # What an account is worth later is not needed to see whether its explanation is stable: who is worth most now is.
    worth = train.groupby("as_of")["credited_volume_usd_30d"].rank(pct=True) > 0.9
    scored = MScoreModel.of(CATALOGUE, seed=seed).fit(train, worth.astype(int), pd.Series(True, index=train.index))
    return found | {m_score.KIND: Explainer(scored, m_score.KIND, "1", CATALOGUE).additive(rows)}


def gap(parts: Additive) -> float:
    """The largest difference between a score and the sum of its parts."""
    return float(np.abs(parts.base + parts.contributions.sum(axis=1) - parts.score).max())


def agreement(by_seed: list[Additive]) -> tuple[float, float]:
    """Of every two seeds, on the rows the first is surest of: rank correlation of features, and share of the top five.

    Features are ranked by the mean size of their parts over these rows; the top five are each row's own.
    """
    surest = np.argsort(-by_seed[0].score, kind="stable")[:EXPLAINED]
    sizes = [np.abs(parts.contributions[surest]) for parts in by_seed]
    ranks, shared = [], []
    for one, other in combinations(sizes, 2):
        ranks.append(spearmanr(one.mean(axis=0), other.mean(axis=0)).statistic)
        tops = (np.argsort(-size, axis=1, kind="stable")[:, :TOP] for size in (one, other))
        shared.append(np.mean([len(np.intersect1d(a, b)) / TOP for a, b in zip(*tops, strict=True)]))
    return float(np.mean(ranks)), float(np.mean(shared))


def main(arguments: list[str]) -> int:
    """Print the table; 1 where an explanation does not add up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=list(PROFILES), default="small")
    parser.add_argument("--exchanges", type=seeds, default=range(151, 155))
    chosen = parser.parse_args(arguments)
    train, labels = gathered(PROFILES[chosen.profile], chosen.exchanges, None)
    rows = train[train["as_of"] > train["as_of"].max() - timedelta(days=7)].reset_index(drop=True)
    by_seed = [explained(train, labels, rows, seed) for seed in SEEDS]
    lines, worst = [], 0.0
    for name in by_seed[0]:
        parts = [found[name] for found in by_seed if name in found]
        largest = max(map(gap, parts))
        ranks, shared = agreement(parts)
        worst = max(worst, largest)
        lines.append((name, f"{largest:.1e}", f"{ranks:.2f}", f"{shared:.2f}", "diffuse" if ranks < DIFFUSE else ""))
    headings = ("model", "largest gap", "rank correlation", f"top {TOP} shared", "")
    table(
        headings,
        lines,
        f"explanations of {len(SEEDS)} seeds, {len(rows):,} rows, those of the {EXPLAINED} surest compared",
    )
    return 0 if worst <= MOST_GAP else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
