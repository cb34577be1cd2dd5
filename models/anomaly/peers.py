"""How far an account is from its peers: segments, robust centre and scale with shrinkage, percentiles.

See docs/methods.md#peer-groups.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.vectors import Flags, Floats

FEW_VALUES = 8
ACTIVITY_QUANTILES = (0.5, 0.8, 0.95)
PROBABILITIES = np.array([0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0])
NORMAL_MAD = 1.4826
NORMAL_MEAN_DEVIATION = 1.2533
HEAVY = 20.0


@dataclass(frozen=True, slots=True)
class BinEdges:
    """One feature that tells peers apart, and where it does so: between few values, or at quantiles of many."""

    name: str
    column: int
    edges: tuple[float, ...]

    def bins(self, matrix: Floats) -> NDArray[np.intp]:
        """The bin of each row; rows where the feature is unknown form their own (-1)."""
        values = matrix[:, self.column]
        indexes = np.searchsorted(np.asarray(self.edges), np.nan_to_num(values), side="left")
        return np.where(np.isnan(values), -1, indexes)


@dataclass(frozen=True, slots=True)
class Segment:
    """The robust statistics of one segment, one value a feature; `quantiles` is PROBABILITIES x features."""

    center: Floats
    scale: Floats
    quantiles: Floats


class PeerGroups:
    """Segments nested in each other, fitted on training rows; an unseen one is read as its closest known parent.

    Attributes:
        cuts: the features that make segments, the coarsest first.
        heavy: which features are taken as signed log1p.
        segments: statistics by key; the key `""` is everybody, `"0/2"` the third bin within the first.
    """

    def __init__(self, cuts: tuple[BinEdges, ...], heavy: Flags, segments: Mapping[str, Segment], clip: float) -> None:
        self.cuts = cuts
        self.heavy = heavy
        self.segments = dict(segments)
        self.clip = clip

    @classmethod
    def fit(
        cls, matrix: Floats, names: Sequence[str], by: Sequence[str], *, kappa: int, segment_rows: int, clip: float
    ) -> Self:
        """Segments and their statistics from training rows.

        Args:
            matrix: rows x features, NaN where unknown.
            names: the features' names.
            by: names of the features that make segments; those that are no feature are left out.
            kappa: so many rows weigh a segment's parent (docs/methods.md#peer-groups).
            segment_rows: a smaller segment has no statistics of its own.
            clip: the largest distance.
        """
        cuts = tuple(
            BinEdges(name, names.index(name), _edges(matrix[:, names.index(name)])) for name in by if name in names
        )
        groups = cls(cuts, _heavy_tailed(matrix), {}, clip)
        values = groups._flattened(matrix)
        center, scale = _location_and_scale(values)
        groups.segments[""] = Segment(center, np.where(scale > 0, scale, 1.0), _quantiles(matrix))
        for depth in range(1, len(cuts) + 1):
            keys = groups._keys(matrix, depth)
            for key in np.unique(keys):
                rows = keys == key
                if rows.sum() >= segment_rows:
                    parent = groups._closest(str(key).rpartition("/")[0])
                    counts = np.isfinite(values[rows]).sum(axis=0)
                    share = counts / (counts + kappa)
                    center, scale = _location_and_scale(values[rows])
                    groups.segments[str(key)] = Segment(
                        share * center + (1 - share) * parent.center,
                        # Where all peers are equal the parent's scale says what far means.
                        np.where(scale > 0, share * scale + (1 - share) * parent.scale, parent.scale),
                        np.where(counts > 0, _quantiles(matrix[rows]), parent.quantiles),
                    )
        return groups

    def distances(self, matrix: Floats) -> Floats:
        """Every value's robust distance from the peers' centre, clipped; an unknown value is taken as the centre."""
        values, result = self._flattened(matrix), np.empty_like(matrix)
        for segment, rows in self._by_segment(matrix):
            result[rows] = (values[rows] - segment.center) / segment.scale
        return np.nan_to_num(np.clip(result, -self.clip, self.clip), nan=0.0)

    def percentiles(self, matrix: Floats) -> Floats:
        """Where every value stands among the peers' values, 0 to 100; NaN where it is unknown."""
        result = np.empty_like(matrix)
        for segment, rows in self._by_segment(matrix):
            for column in range(matrix.shape[1]):
                result[rows, column] = _percentile(matrix[rows, column], segment.quantiles[:, column])
        return result

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "cuts": [[cut.name, cut.column, list(cut.edges)] for cut in self.cuts],
            "heavy": self.heavy.tolist(),
            "clip": self.clip,
            "segments": {
                key: [segment.center.tolist(), segment.scale.tolist(), segment.quantiles.tolist()]
                for key, segment in self.segments.items()
            },
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """The groups of `as_json`."""
        cuts = tuple(BinEdges(name, int(column), tuple(edges)) for name, column, edges in state["cuts"])
        segments = {
            key: Segment(*(np.asarray(part, dtype=np.float64) for part in parts))
            for key, parts in state["segments"].items()
        }
        return cls(cuts, np.asarray(state["heavy"], dtype=bool), segments, float(state["clip"]))

    def _flattened(self, matrix: Floats) -> Floats:
        return np.where(self.heavy, np.sign(matrix) * np.log1p(np.abs(matrix)), matrix)

    def _keys(self, matrix: Floats, depth: int) -> NDArray[np.object_]:
        bins = [cut.bins(matrix) for cut in self.cuts[:depth]]
        return np.array(["/".join(map(str, row)) for row in zip(*bins, strict=True)], dtype=object)

    def _closest(self, key: str) -> Segment:
        while key not in self.segments:
            key = key.rpartition("/")[0]
        return self.segments[key]

    def _by_segment(self, matrix: Floats) -> Iterator[tuple[Segment, NDArray[np.intp]]]:
        if not self.cuts:
            yield self.segments[""], np.arange(len(matrix))
            return
        keys, member = np.unique(self._keys(matrix, len(self.cuts)).astype(str), return_inverse=True)
        for number, key in enumerate(keys):
            yield self._closest(str(key)), np.flatnonzero(member == number)


def _edges(values: Floats) -> tuple[float, ...]:
    distinct = np.unique(values[np.isfinite(values)])
    if len(distinct) <= FEW_VALUES:
        return tuple(float(edge) for edge in (distinct[:-1] + distinct[1:]) / 2)
    quantiles = np.quantile(values[np.isfinite(values)], ACTIVITY_QUANTILES)
    return tuple(float(edge) for edge in np.unique(quantiles))


def _heavy_tailed(matrix: Floats) -> Flags:
    """Features whose largest value is many times their usual non-zero one."""
    flags = np.zeros(matrix.shape[1], dtype=bool)
    for column in range(matrix.shape[1]):
        size = np.abs(matrix[:, column])
        size = size[np.isfinite(size) & (size > 0)]
        flags[column] = len(size) > 0 and size.max() > HEAVY and size.max() > HEAVY * np.median(size)
    return flags


def _location_and_scale(values: Floats) -> tuple[Floats, Floats]:
    """Median and MAD a column; where more than half the rows are equal, the mean deviation stands in for the MAD."""
    center, scale = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for column in range(values.shape[1]):
        present = values[np.isfinite(values[:, column]), column]
        if len(present):
            center[column] = np.median(present)
            deviation = np.abs(present - center[column])
            scale[column] = NORMAL_MAD * np.median(deviation) or NORMAL_MEAN_DEVIATION * deviation.mean()
    return center, scale


def _quantiles(matrix: Floats) -> Floats:
    result = np.zeros((len(PROBABILITIES), matrix.shape[1]))
    for column in range(matrix.shape[1]):
        present = matrix[np.isfinite(matrix[:, column]), column]
        if len(present):
            result[:, column] = np.quantile(present, PROBABILITIES)
    return result


def _percentile(values: Floats, quantiles: Floats) -> Floats:
    """The middle of the share below and the share not above: fair where many peers have the same value."""
    distinct, first = np.unique(quantiles, return_index=True)
    last = len(quantiles) - 1 - np.unique(quantiles[::-1], return_index=True)[1]
    below = np.interp(values, distinct, PROBABILITIES[first], left=0.0, right=1.0)
    not_above = np.interp(values, distinct, PROBABILITIES[last], left=0.0, right=1.0)
    middle: Floats = np.where(np.isnan(values), np.nan, 50.0 * (below + not_above))
    return middle
