"""The flat forest beside scikit-learn: one row at a time, and batches (`make bench`)."""

import time
from collections.abc import Callable
from itertools import product

import numpy as np
from sklearn.ensemble import IsolationForest

from features.definitions import CATALOGUE
from features.kernel.console import table
from models.anomaly.forest import FlatForest
from models.anomaly.model import OWN_HISTORY_FAMILY
from models.parameters import SHIPPED
from models.vectors import Floats

ROWS = 100_000
BATCHES = (1, 10, 100, 1_000, 10_000, ROWS)
LEAST_SECONDS = 0.3


def seconds(score: Callable[[Floats], object], rows: Floats, size: int) -> float:
    """Seconds a call, the mean of as many as fit into a while; each call has rows that the one before had not."""
    calls, started = 0, time.perf_counter()
    while (taken := time.perf_counter() - started) < LEAST_SECONDS or not calls:
        first = calls * size % (len(rows) - size + 1)
        score(rows[first : first + size])
        calls += 1
    return taken / calls


def main() -> None:
    """Prints one line a batch size, with the largest difference between the two."""
    settings, columns = SHIPPED.anomaly, len(CATALOGUE.names)
    rows = np.random.default_rng(0).normal(size=(ROWS, columns)).astype(np.float32).astype(np.float64)
    own = np.array([feature.family == OWN_HISTORY_FAMILY for feature in CATALOGUE])
    views = [np.where(view, rows[:20_000], 0.0) for view in (~own, own)]
    forests = [
        IsolationForest(n_estimators=settings.trees // len(views), max_samples=size, random_state=number).fit(view)
        for number, (view, size) in enumerate(product(views, settings.samples))
    ]
    flat = FlatForest(forests)

    def theirs(batch: Floats) -> Floats:
        depths = np.array([-np.log2(-forest.score_samples(batch)) for forest in forests])
        return np.asarray(-depths.mean(axis=0), dtype=np.float64)

    flat.unusualness(rows[:1])
    lines = []
    for size in BATCHES:
        batch = rows[:size]
        ours_s, theirs_s = seconds(flat.unusualness, rows, size), seconds(theirs, rows, size)
        gap = float(np.abs(flat.unusualness(batch) - theirs(batch)).max())
        lines.append((size, ours_s * 1e3, theirs_s * 1e3, theirs_s / ours_s, gap))
    table(
        ("rows", "ours ms", "scikit-learn ms", "times as fast", "largest difference"),
        lines,
        f"{len(forests)} forests of {settings.trees // len(views)} trees over {columns} features",
    )
    print("targets: one row at least 300 times as fast; difference at most 1e-12")


if __name__ == "__main__":
    main()
