"""When people act: by the clock of their home, by the bustle of the market, and only while their account exists."""

from dataclasses import dataclass

import numpy as np

from features.simulator.market.market import Market
from features.simulator.vectors import DAY, HOUR, MINUTE, Floats, Ints, runs

AWAKE = np.array(
    [
        (0.25, 0.1, 0.05, 0.04, 0.05, 0.1, 0.3, 0.6, 0.8, 0.9, 0.95, 1.0),
        (1.0, 0.95, 0.9, 0.9, 0.95, 1.0, 1.1, 1.3, 1.4, 1.35, 1.0, 0.6),
    ]
).ravel()
"""Relative activity of a person by the hour at home."""
ALWAYS = 99
"""In place of an offset: a machine, which follows the market alone."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Cumulated intensity by minute for every offset from UTC, to draw moments from."""

    market: Market
    cumulated: dict[int, Floats]

    def moments(self, rng: np.random.Generator, offset: Ints, since: Ints, until: Ints) -> Ints:
        """One moment for each entry, drawn in [since, until) in proportion to the intensity at that offset."""
        times = np.empty(len(offset), dtype=np.int64)
        low = np.clip((since - self.market.start) / MINUTE, 0, None)
        high = np.clip((until - self.market.start) / MINUTE, 0, None)
        share = rng.random(len(offset))
        for value in np.unique(offset):
            here = np.flatnonzero(offset == value)
            curve = self.cumulated[int(value)]
            minutes = np.arange(len(curve))
            floor, ceiling = np.interp(low[here], minutes, curve), np.interp(high[here], minutes, curve)
            at = np.interp(floor + share[here] * (ceiling - floor), curve, minutes)
            times[here] = self.market.start + (at * MINUTE).astype(np.int64)
        return np.asarray(np.clip(times, since, np.maximum(until - 1, since)))

    def arrivals(
        self, rng: np.random.Generator, per_day: Floats, offset: Ints, since: Ints, until: Ints
    ) -> tuple[Ints, Ints]:
        """Poisson arrivals: for each of the drawn moments, in time order, the entry it belongs to and the moment."""
        since, until = np.maximum(since, self.market.start), np.minimum(until, self.market.end)
        counts = rng.poisson(per_day * np.maximum(until - since, 0) / DAY)
        entry, _ = runs(counts)
        ts = self.moments(rng, offset[entry], since[entry], until[entry])
        order = np.argsort(ts, kind="stable")
        return entry[order], ts[order]


def make_clock(market: Market, offsets: Ints) -> Clock:
    """The clock of a market for people living at those offsets from UTC (hours)."""
    minute = np.arange(len(market.busyness))
    hour = (market.start + minute * MINUTE) // HOUR
    curves = {ALWAYS: market.busyness} | {
        int(offset): AWAKE[(hour + offset) % 24] * market.busyness**0.85 for offset in np.unique(offsets)
    }
    return Clock(market, {offset: np.concatenate([[0.0], np.cumsum(curve)]) for offset, curve in curves.items()})
