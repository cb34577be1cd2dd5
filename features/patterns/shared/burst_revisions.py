"""Unfolds bursts: windows anchored at their first row that grow as rows become known, and what was held of them when.

Rows are taken in the order in which they became known, so whatever is found at a moment rests on what was known then.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from typing import Generic, Protocol, TypeVar

from features.patterns.shared.episode import Measure

MAX_ANCHORS = 40
"""How many rows before a new one may begin a burst with it: bounds the work for accounts that never rest."""


class Dated(Protocol):
    """Something that happened at `ts` and was known from `known_from`, int64 microseconds since 1970 UTC."""

    @property
    def ts(self) -> int:
        """When it happened."""

    @property
    def known_from(self) -> int:
        """When it became known."""


Row = TypeVar("Row", bound=Dated)
Judge = Callable[[Sequence[Row]], Mapping[str, Measure] | None]
_by_time = attrgetter("ts")


@dataclass(frozen=True, slots=True)
class Version(Generic[Row]):
    """What a burst was held to be from `known_at` until `superseded_at`: its rows in time order and their measures."""

    rows: tuple[Row, ...]
    measures: Mapping[str, Measure]
    known_at: int
    superseded_at: int | None = None


@dataclass(slots=True)
class _Burst(Generic[Row]):
    """An anchored window with the rows in it so far and every version of what was held of it."""

    start: int
    end: int
    judge: Judge[Row]
    rows: list[Row]
    versions: list[Version[Row]] = field(default_factory=list)

    def judged(self, known_at: int) -> bool:
        """Ends the newest version and, if the burst is still one, begins the next."""
        if self.versions and self.versions[-1].superseded_at is None:
            self.versions[-1] = replace(self.versions[-1], superseded_at=known_at)
        measures = self.judge(self.rows)
        if measures is not None:
            self.versions.append(Version(tuple(self.rows), measures, known_at))
        return measures is not None


def burst_revisions(rows: Iterable[Row], openings: Sequence[tuple[int, Judge[Row]]]) -> Iterator[Version[Row]]:
    """The versions of every burst of one account, bursts in the order in which they were found.

    Args:
        rows: of one account, ordered by `known_from`, then `ts`, then id.
        openings: widths in microseconds with what judges the rows of such a window: their measures, or None where they
            are no burst. The first that finds one opens it, at its earliest row. Rows inside an open window join it
            and have it judged anew; a row is in one burst at most.
    """
    free: list[Row] = []
    bursts: list[_Burst[Row]] = []
    widest = max(width for width, _judge in openings)
    by_place: dict[int, list[_Burst[Row]]] = {}
    for known_at, batch in groupby(rows, key=attrgetter("known_from")):
        grown: list[_Burst[Row]] = []
        fresh: list[Row] = []
        for row in batch:
            near = by_place.get(row.ts // widest, ())
            home = next((burst for burst in near if burst.start <= row.ts < burst.end), None)
            insort(free if home is None else home.rows, row, key=_by_time)
            if home is None:
                fresh.append(row)
            elif home not in grown:
                grown.append(home)
        for burst in grown:
            burst.judged(known_at)
        for row in fresh:
            opened = next((opening for width, judge in openings if (opening := _opened(free, row, width, judge))), None)
            if opened is not None:
                here = _between(free, opened.start, opened.end)
                free[here] = [other for other in free[here] if not any(other is taken for taken in opened.rows)]
                opened.judged(known_at)
                bursts.append(opened)
                for place in {opened.start // widest, (opened.end - 1) // widest}:
                    by_place.setdefault(place, []).append(opened)
    for burst in bursts:
        yield from burst.versions


def _between(rows: Sequence[Row], since: int, until: int) -> slice:
    """Where the rows with since <= ts < until stand among rows that are in order."""
    return slice(bisect_left(rows, since, key=_by_time), bisect_left(rows, until, key=_by_time))


def _opened(free: Sequence[Row], row: Row, width: int, judge: Judge[Row]) -> _Burst[Row] | None:
    """The burst of the width that the row completes, beginning as early as it can."""
    if not any(other is row for other in free[_between(free, row.ts, row.ts + 1)]):
        return None
    since = bisect_left(free, row.ts - width + 1, key=_by_time)
    until = bisect_left(free, row.ts + 1, key=_by_time)
    for first in range(max(since, until - MAX_ANCHORS), until):
        start = free[first].ts
        inside = list(free[first : bisect_left(free, start + width, key=_by_time)])
        if judge(inside) is not None:
            return _Burst(start, start + width, judge, inside)
    return None
