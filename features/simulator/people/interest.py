"""How keen accounts are from day to day: over months people lose interest and come back, and even the keen have moods.

A run of some weeks goes without. In a long one the value of an account would repeat itself otherwise, and anybody could
forecast it.
"""

from dataclasses import dataclass

import numpy as np

from features.simulator.people.intensity import Clock
from features.simulator.vectors import DAY, Floats, Ints

PERIOD_DAYS, BREAK_DAYS = 60.0, 120.0
"""Mean length of a period of interest, and of a break from it."""
ON_A_BREAK = 0.003
"""What remains of the activity during a break."""
LEVEL_SIGMA = 0.8
"""Deviation of the logarithm of the activity from one period to the next."""
DAILY_SIGMA, MEMORY_DAYS = 0.9, 20.0
"""Deviation of the logarithm of the activity within a period, and the days in which it falls to a third."""
MAX_ACTIVITY = 6.0
"""Times the usual activity, at most."""


@dataclass(frozen=True, slots=True)
class Interest:
    """Factors of activity; shape (accounts, days), or none where all accounts are as keen as ever.

    Their mean is 1 before the keenest are cut off.
    """

    clock: Clock
    keenness: Floats | None = None

    def arrivals(
        self, rng: np.random.Generator, members: Ints, per_day: Floats, offset: Ints, since: Ints, until: Ints
    ) -> tuple[Ints, Ints]:
        """As `Clock.arrivals`, more of them on days when a member is keen and hardly any during its breaks."""
        if self.keenness is None:
            return self.clock.arrivals(rng, per_day, offset, since, until)
        entry, ts = self.clock.arrivals(rng, per_day * MAX_ACTIVITY, offset, since, until)
        accepted = rng.random(len(ts)) < self.of(members[entry], ts) / MAX_ACTIVITY
        return entry[accepted], ts[accepted]

    def of(self, account: Ints, ts: Ints) -> Floats:
        """How keen accounts are on the days of these moments."""
        if self.keenness is None:
            return np.ones(len(account))
        day = np.clip((ts - self.clock.market.start) // DAY, 0, self.keenness.shape[1] - 1)
        return self.keenness[account, day]


def changing_interest(clock: Clock, accounts: int, rng: np.random.Generator) -> Interest:
    """Periods and levels of interest of so many accounts over the days of the market, each begun long before."""
    days = -(-(clock.market.end - clock.market.start) // DAY)
    keen_share = PERIOD_DAYS / (PERIOD_DAYS + BREAK_DAYS)
    keen = rng.random(accounts) < keen_share
    level, deviation = LEVEL_SIGMA * rng.standard_normal(accounts), DAILY_SIGMA * rng.standard_normal(accounts)
    memory = np.exp(-1 / MEMORY_DAYS)
    factors = np.empty((accounts, days))
    for day in range(days):
        factors[:, day] = np.where(keen, np.exp(level + deviation - (LEVEL_SIGMA**2 + DAILY_SIGMA**2) / 2), ON_A_BREAK)
        changes = rng.random(accounts) < np.where(keen, 1 / PERIOD_DAYS, 1 / BREAK_DAYS)
        keen = keen ^ changes
        level = np.where(changes & keen, LEVEL_SIGMA * rng.standard_normal(accounts), level)
        deviation = memory * deviation + DAILY_SIGMA * np.sqrt(1 - memory**2) * rng.standard_normal(accounts)
    usual = keen_share + (1 - keen_share) * ON_A_BREAK
    return Interest(clock, np.minimum(factors / usual, MAX_ACTIVITY))
