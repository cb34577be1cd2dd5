"""Isolation forests as flat arrays whose leaves add up to the unusualness of a row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from models.vectors import Floats


@dataclass(frozen=True, slots=True)
class FlatTree:
    """One tree, one entry a node; a row with `value <= threshold` goes left, and a leaf's children are -1.

    Attributes:
        values: what the node gives: a leaf its part of the unusualness, the root the mean of its leaves.
        weights: training rows in the node.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    features: NDArray[np.int32]
    thresholds: Floats
    values: Floats
    weights: Floats


def expected_depth(rows: Floats) -> Floats:
    """The average path length in a random binary tree of so many rows (Liu, Ting and Zhou 2008).

    >>> expected_depth(np.array([1.0, 2.0, 256.0])).round(3).tolist()
    [0.0, 1.0, 10.245]
    """
    many = np.maximum(rows, 3.0)
    depth = 2 * (np.log(many - 1) + np.euler_gamma) - 2 * (many - 1) / many
    return np.where(rows > 2, depth, np.maximum(rows - 1, 0.0))


def flat_trees(forests: Sequence[IsolationForest]) -> Iterator[FlatTree]:
    """The trees of all forests; a row's leaf values add up to its negative mean normalised depth."""
    for forest in forests:
        usual = float(expected_depth(np.array([float(forest.max_samples_)]))[0])
        share = 1 / (usual * len(forest.estimators_) * len(forests))
        for estimator in forest.estimators_:
            yield _flat(estimator.tree_, share)


def _flat(tree: Any, share: float) -> FlatTree:
    left = np.asarray(tree.children_left, dtype=np.int32)
    right = np.asarray(tree.children_right, dtype=np.int32)
    rows = np.asarray(tree.n_node_samples, dtype=np.float64)
    values = np.where(left < 0, -share * (_depths(left, right) + expected_depth(rows)), 0.0)
    values[0] = (values * rows)[left < 0].sum() / rows[0]
    return FlatTree(
        left,
        right,
        np.asarray(tree.feature, dtype=np.int32),
        np.asarray(tree.threshold, dtype=np.float64),
        values,
        rows,
    )


def _depths(left: NDArray[np.int32], right: NDArray[np.int32]) -> Floats:
    """How many steps each node is from the root."""
    depths, nodes, depth = np.zeros(len(left)), np.array([0]), 0
    while len(nodes):
        depths[nodes] = depth
        inner = nodes[left[nodes] >= 0]
        nodes, depth = np.concatenate([left[inner], right[inner]]), depth + 1
    return depths
