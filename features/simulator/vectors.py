"""The array types and the unit of time (whole microseconds since 1970, UTC) in which the simulator computes."""

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NONE = -1
"""Stands for "null" wherever an integer is a code or an id."""


def micros(moment: datetime) -> int:
    """A zoned moment as microseconds since 1970.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def mixed(*keys: Ints | int) -> Ints:
    """A stable pseudo-random non-negative integer for every combination of keys (splitmix64), shape of the broadcast.

    >>> int(mixed(1, 2)) == int(mixed(1, 2)) != int(mixed(2, 1))
    True
    """
    state: npt.NDArray[np.uint64] = np.array(0x9E3779B97F4A7C15, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            state = (state ^ np.asarray(key, dtype=np.int64).astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return np.asarray(state >> np.uint64(1), dtype=np.int64)


def runs(counts: Ints) -> tuple[Ints, Ints]:
    """For counts of rows a group: the group and the position within it of every row.

    >>> [list(map(int, part)) for part in runs(np.array([2, 0, 1]))]
    [[0, 0, 2], [0, 1, 0]]
    """
    group = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return group, np.arange(len(group)) - first[group]
