"""Document farms: accounts in other people's names, verified with a few bought documents, for the bonus.

See docs/methods.md#d20-multi-account-abuse.
"""

import numpy as np

from features.simulator.vectors import DAY
from features.simulator.violators import farms
from features.simulator.violators.unit import Unit
from features.simulator.violators.violator import Violator
from features.simulator.world import World


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Spread sign-ups; two or three accounts a document, many attempts; careful ones have one document each."""
    people, members = world.people, unit.members
    size = len(members)
    period = min(world.profile.scaled_days(15) * DAY, 0.4 * (world.market.end - unit.onset))
    people.created_at[members] = unit.onset + np.sort((rng.random(size) * period).astype(np.int64))
    people.level[members] = 2
    people.wealth_usd[members] = np.exp(rng.normal(6.2, 1.3, size))
    people.activity[members] = 0.4
    people.referrer[members[1:]] = np.where(rng.random(size - 1) < 0.3, members[0], people.referrer[members[1:]])
    people.refusals[members] = rng.poisson(0.8, size)
    if unit.careful:
        bought = members[rng.random(size) < 0.5]
        people.created_at[bought] = world.market.start - rng.integers(10 * DAY, 200 * DAY, len(bought))
    else:
        people.document[members] = members[np.arange(size) // int(rng.integers(2, 4))]


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """The same as a bonus farm does."""
    farms.act(world, rng, unit)


DOCUMENT_FARM = Violator("document_farm", (6, 10), (1, 1, 2, 8), act, recruit, scales=True, scripted=True, rank=9)
