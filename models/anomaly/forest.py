"""Isolation forests as flat arrays whose leaves add up to the unusualness of a row."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
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


NODE = np.dtype([("threshold", "f4"), ("feature", "i4"), ("right", "i4")])
BLOCK = 256
MANY_ROWS = 16 * BLOCK  # so many are worth a thread of their own


class FlatForest:
    """The trees of all forests as one array of small nodes, walked by compiled code: exact, for one row or many.

    scikit-learn builds trees depth first, so a left child follows its parent and needs no number.
    """

    def __init__(self, forests: Sequence[IsolationForest]) -> None:
        trees = list(flat_trees(forests))
        sizes = np.array([len(tree.left) for tree in trees])
        self._roots = np.cumsum(sizes) - sizes
        self._columns = int(forests[0].n_features_in_)
        starts = zip(trees, self._roots, strict=True)
        self._nodes = np.concatenate([_nodes(tree, int(start)) for tree, start in starts])
        self._values = np.concatenate([tree.values for tree in trees])

    def unusualness(self, matrix: Floats) -> Floats:
        """The negative mean normalised depth of each row (rows x features, no NaN); higher = more unusual."""
        rows = np.ascontiguousarray(matrix, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self._columns:
            raise ValueError(f"The forest was fitted to {self._columns} features, the rows have shape {rows.shape}.")
        if len(rows) < MANY_ROWS:
            return self._walked(rows)
        parts = np.array_split(rows, min(os.cpu_count() or 1, len(rows) // MANY_ROWS))
        with ThreadPoolExecutor(len(parts)) as workers:
            return np.concatenate(list(workers.map(self._walked, parts)))

    def _walked(self, rows: NDArray[np.float32]) -> Floats:
        return np.asarray(_walk(rows, self._roots, self._nodes, self._values), dtype=np.float64)


def _nodes(tree: FlatTree, start: int) -> NDArray[np.void]:
    """The tree's nodes, right children counted from the first node of all trees; a leaf's is -1."""
    inner = np.flatnonzero(tree.left >= 0)
    if (tree.left[inner] != inner + 1).any():
        raise ValueError("The forest's trees are not in depth-first order; this version of scikit-learn is unknown.")
    nodes = np.zeros(len(tree.left), dtype=NODE)
    nodes["threshold"], nodes["feature"] = _rounded_down(tree.thresholds), tree.features
    nodes["right"] = np.where(tree.right < 0, -1, tree.right + start)
    return nodes


def _rounded_down(thresholds: Floats) -> NDArray[np.float32]:
    """The largest 32-bit number not above each threshold: rows are 32-bit, so the same ones go left."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near).astype(np.float32)


def _compiled(function: Callable[..., Floats]) -> Callable[..., Floats]:
    """Compiled at first use, and kept for the next process where there is a folder that can be written."""
    try:
        compiled: Callable[..., Floats] = njit(cache=True, nogil=True)(function)
    except RuntimeError:
        compiled = njit(nogil=True)(function)
    return compiled


@_compiled
def _walk(rows: NDArray[np.float32], roots: NDArray[np.int64], nodes: NDArray[np.void], values: Floats) -> Floats:
    total = np.zeros(len(rows))
    # Tree by tree over a block of rows, so that both stay in the processor's cache.
    for first in range(0, len(rows), BLOCK):
        for root in roots:
            for row in range(first, min(first + BLOCK, len(rows))):
                node = root
                while nodes[node].right >= 0:
                    here = nodes[node]
                    node = node + 1 if rows[row, here.feature] <= here.threshold else here.right
                total[row] += values[node]
    return total
