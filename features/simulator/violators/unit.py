"""One ring, farm, chain or loner: its accounts, from when it violates, and how much of its life is camouflage."""

from dataclasses import dataclass

import numpy as np

from features.simulator.behaviours import live
from features.simulator.vectors import DAY, Floats, Ints
from features.simulator.world import World

MOST_EPISODES_OF_FAILED = 2
"""One unit in ten gives up after so few episodes and is nearly undetectable."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a violator's `act` receives; `zeal` is 1 at half camouflage, less with more of it."""

    ring: str
    members: Ints
    onset: int
    end: int
    camouflage: float
    failed: bool

    @property
    def zeal(self) -> float:
        """Factor on the number of episodes: (1 - camouflage) / 0.5."""
        return (1 - self.camouflage) / 0.5

    def days(self, rng: np.random.Generator, keep: float) -> Ints:
        """The starts of the days on which the unit is active, each kept with that probability; the first always."""
        starts = np.arange(self.onset, max(self.end, self.onset + 1), DAY)
        kept = rng.random(len(starts)) < keep
        kept[0] = True
        return starts[:1] if self.failed else starts[kept]


def pretend(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """The unit's camouflage: an honest user's life, the busier the larger its share."""
    live(world, rng, unit.members, 0.4 + 1.6 * unit.camouflage)


def confess(world: World, unit: Unit, typology: str, onset: Ints | None = None) -> None:
    """Record the unit's guilt."""
    size = len(unit.members)
    since = np.full(size, unit.onset) if onset is None else onset
    camouflage: Floats = np.full(size, unit.camouflage)
    world.truth.record(typology, unit.ring, unit.members, since, unit.end, camouflage)
