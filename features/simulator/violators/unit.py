"""One ring, farm, chain or loner: its accounts, from when it violates, and how much of its life is camouflage."""

from dataclasses import dataclass

import numpy as np

from features.simulator.honest.behaviours import Style, live, save_and_spend, trade_by_hand, visit
from features.simulator.truth import ViolationRecord
from features.simulator.vectors import DAY, Ints, mixed
from features.simulator.world import World

MAX_EPISODES_OF_FAILED = 2
"""One unit in ten gives up after so few episodes and is nearly undetectable."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a violator's `act` receives; `zeal` is 1 at half camouflage, less with more of it.

    A `careful` unit follows the published advice on evasion: nothing shared, slow growth, human pauses, and the
    variants of its violation that the usual rules miss.
    """

    ring: str
    members: Ints
    onset: int
    end: int
    camouflage: float
    failed: bool
    careful: bool

    @property
    def zeal(self) -> float:
        """Factor on the number of episodes: (1 - camouflage) / 0.5."""
        return (1 - self.camouflage) / 0.5

    def days(self, rng: np.random.Generator, usual: float) -> Ints:
        """The starts of the days on which the unit is active, about `usual` times its zeal; the first always."""
        starts = np.arange(self.onset, max(self.end, self.onset + 1), DAY)
        count = 0 if self.failed else min(int(rng.poisson(max(usual * self.zeal - 1, 0.2))), len(starts) - 1)
        return np.concatenate([starts[:1], np.sort(rng.choice(starts[1:], count, replace=False))])


def pretend(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """The unit's camouflage: the lives of honest users of several kinds, the busier the larger its share."""
    busy = 0.4 + 1.6 * unit.camouflage
    kind = mixed(unit.members, 61) % 10
    live(world, rng, unit.members[kind < 6], busy)
    trader = unit.members[kind >= 6]
    logins = visit(world, rng, trader, 0.8 + 1.2 * unit.camouflage)
    trade_by_hand(world, rng, logins, Style(1.3 * busy, 200.0, 0.35, 0.06, turns=True))
    save_and_spend(world, rng, trader, 0.12, 0.08)


def confess(
    world: World,
    unit: Unit,
    typology: str,
    onset: Ints | None = None,
    members: Ints | None = None,
    request: int | None = None,
) -> None:
    """Record the guilt of the unit (or of some members), each from its onset on; `request` is the event at stake."""
    violators = unit.members if members is None else members
    since = np.full(len(violators), unit.onset) if onset is None else onset
    for account, begin in zip(violators.tolist(), since.tolist(), strict=True):
        violation = ViolationRecord(
            account, typology, unit.ring, begin, unit.end, unit.camouflage, unit.careful, request
        )
        world.truth.violations.append(violation)
