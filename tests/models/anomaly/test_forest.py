"""The flat forest gives what scikit-learn gives, at ties and infinities too."""

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from models.anomaly.forest import FlatForest
from models.vectors import Floats

ROWS, COLUMNS = 100_000, 12


@pytest.fixture(scope="module")
def forests() -> tuple[IsolationForest, ...]:
    """Two forests of the two sample sizes, over numbers of which many are equal."""
    rows = np.random.default_rng(1).normal(size=(5_000, COLUMNS)).round(1).astype(np.float32)
    return tuple(
        IsolationForest(n_estimators=40, max_samples=size, random_state=number).fit(rows)
        for number, size in enumerate((256, 2_048))
    )


def of_scikit_learn(forests: tuple[IsolationForest, ...], rows: Floats) -> Floats:
    """The negative mean normalised depth."""
    depths = np.array([-np.log2(-forest.score_samples(rows)) for forest in forests])
    return np.asarray(-depths.mean(axis=0), dtype=np.float64)


def strange(forests: tuple[IsolationForest, ...]) -> Floats:
    """Random rows with thresholds of the trees, their 32-bit neighbours and infinities among their values."""
    random = np.random.default_rng(2)
    rows = random.normal(size=(ROWS, COLUMNS)) * 3
    thresholds = np.concatenate([tree.tree_.threshold for forest in forests for tree in forest.estimators_])
    near = thresholds.astype(np.float32)
    special = np.concatenate([thresholds, near, np.nextafter(near, np.inf), np.nextafter(near, -np.inf)])
    special = np.concatenate([special, np.full(len(near) // 4, np.inf), np.full(len(near) // 4, -np.inf)])
    chosen = random.random(rows.shape) < 0.5
    rows[chosen] = random.choice(special, int(chosen.sum()))
    return rows


def test_a_hundred_thousand_rows_score_as_in_scikit_learn(forests: tuple[IsolationForest, ...]) -> None:
    rows = strange(forests)
    ours = FlatForest(forests).unusualness(rows)
    assert np.abs(ours - of_scikit_learn(forests, rows)).max() <= 1e-12


def test_rows_of_another_width_are_refused(forests: tuple[IsolationForest, ...]) -> None:
    with pytest.raises(ValueError, match=f"fitted to {COLUMNS} features"):
        FlatForest(forests).unusualness(np.zeros((1, COLUMNS - 1)))


def test_one_row_and_none(forests: tuple[IsolationForest, ...]) -> None:
    rows = strange(forests)[:3]
    flat = FlatForest(forests)
    assert flat.unusualness(rows[:0]).shape == (0,)
    assert [flat.unusualness(row[np.newaxis])[0] for row in rows] == flat.unusualness(rows).tolist()
