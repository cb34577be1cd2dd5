"""Whether explanations add up, and whether another seed gives the same ones (`make explanations`).

Run as `python -m tests.studies.explanations --exchanges 151-154`. Every model is trained five times on the same vectors
and labels, with five seeds, and explains the accounts it is surest of. What another seed would explain otherwise is no
reason to give to anybody: below .8 methods 6.9 call an explanation diffuse.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import Self

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from features.definitions import CATALOGUE
from features.kernel.console import table
from features.simulator.profiles import PROFILES
from models.additive import Additive
from models.anomaly import model as anomaly
from models.anomaly.model import AnomalyModel
from models.explanations.explainer import Explainer
from models.m_score import model as m_score
from models.m_score.model import MScoreModel
from models.registry.registry import ScoringModel
from models.targets import confirmed_rows, known_findings
from models.vectors import VectorLayout
from models.violations import model as violations
from models.violations.model import COLUMN, ViolationModels
from tests.studies.learning import gathered
from tests.studies.seeds import seeds

SEEDS = (7, 8, 9, 10, 11)
EXPLAINED, TOP = 200, 5
MOST_GAP, DIFFUSE = 1e-9, 0.8


@dataclass(frozen=True, slots=True)
class Seed:
    """All models of one seed."""

    unusual: AnomalyModel
    guilty: ViolationModels
    worth: MScoreModel

    @classmethod
    def trained(cls, train: pd.DataFrame, labels: pd.DataFrame, seed: int) -> Self:
        """The models of these vectors and labels."""
        layout = VectorLayout.of(CATALOGUE)
        confirmed = confirmed_rows(train, known_findings(labels, None))
        # Whether reasons are stable can be seen without the future: the accounts worth most now stand in for it.
        best = train.groupby("as_of")["credited_volume_usd_30d"].rank(pct=True) > 0.9
        return cls(
            AnomalyModel.of(CATALOGUE, seed=seed).fit(train, confirmed),
            ViolationModels(layout, seed=seed).fit(train, labels),
            MScoreModel.of(CATALOGUE, seed=seed).fit(train, best.astype(int), pd.Series(True, index=train.index)),
        )

    def surest(self, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """By model the rows with the highest scores."""
        scores = {anomaly.KIND: -self.unusual.score_samples(rows), m_score.KIND: self.worth.log_odds(rows)}
        probable = self.guilty.predict(rows)
        scores |= {f"violations:{name}": probable[COLUMN + name].to_numpy() for name in self.guilty.typologies}
        return {name: rows.iloc[np.argsort(-score, kind="stable")[:EXPLAINED]] for name, score in scores.items()}

    def explained(self, name: str, rows: pd.DataFrame) -> Additive | None:
        """The rows' scores taken apart by a model; None where this seed has no such model."""
        kind, _, typology = name.partition(":")
        if typology and typology not in self.guilty.typologies:
            return None
        models: dict[str, ScoringModel] = {
            anomaly.KIND: self.unusual,
            violations.KIND: self.guilty,
            m_score.KIND: self.worth,
        }
        return Explainer(models[kind], kind, "1", CATALOGUE).additive(rows, typology or None)


def gap(parts: Additive) -> float:
    """The largest difference between a score and the sum of its parts."""
    return float(np.abs(parts.base + parts.contributions.sum(axis=1) - parts.score).max())


def agreement(by_seed: Sequence[Additive]) -> tuple[float, float]:
    """Of every two seeds: rank correlation of features, and share of the top five.

    Features are ranked by the mean size of their parts over the rows; the top five are each row's own.
    """
    sizes = [np.abs(parts.contributions) for parts in by_seed]
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
    by_seed = [Seed.trained(train, labels, seed) for seed in SEEDS]
    lines, worst = [], 0.0
    for name, surest in by_seed[0].surest(rows).items():
        parts = [found for one in by_seed if (found := one.explained(name, surest)) is not None]
        largest = max(map(gap, parts))
        ranks, shared = agreement(parts)
        worst = max(worst, largest)
        lines.append((name, f"{largest:.1e}", f"{ranks:.2f}", f"{shared:.2f}", "diffuse" if ranks < DIFFUSE else ""))
    headings = ("model", "largest gap", "rank correlation", f"top {TOP} shared", "")
    table(headings, lines, f"explanations of {len(SEEDS)} seeds, the {EXPLAINED} surest of {len(rows):,} rows each")
    return 0 if worst <= MOST_GAP else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
