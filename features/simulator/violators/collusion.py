"""Collusion without a shared identifier: strangers on paper who follow one private signal together.

See docs/methods.md#d21-collusion.
"""

import numpy as np

from features.simulator.honest.behaviours import LEVERAGES, log_in, order_sizes
from features.simulator.market.flow import APP, WEB
from features.simulator.market.market import IS_PERP
from features.simulator.vectors import HOUR, MINUTE, SECOND, Ints
from features.simulator.violators.unit import MAX_EPISODES_OF_FAILED, Unit, confess, pretend
from features.simulator.violators.violator import Violator
from features.simulator.world import World

MOSTLY = (0.85, 0.15)
"""A group has one symbol that it prefers, and another."""


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Verified accounts that share nothing."""
    world.people.level[unit.members] = 2
    world.people.wealth_usd[unit.members] = np.exp(rng.normal(8.2, 0.8, len(unit.members)))


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Signals that most members follow on the same side, within a second or two, or (careful) within half a minute."""
    pretend(world, rng, unit)
    confess(world, unit, "collusion")
    instruments = rng.choice(world.market.instruments("small", "mid"), 2, replace=False)
    for day in unit.days(rng, 3.5):
        count = MAX_EPISODES_OF_FAILED if unit.failed else 1 + int(rng.poisson(0.8 + unit.zeal))
        start, gaps = int(day + rng.integers(HOUR, 14 * HOUR)), rng.exponential(70 * 60, count) + 120
        if start > world.market.end - 3 * HOUR:
            continue
        session = log_in(world, rng, unit.members, start - rng.integers(MINUTE, 40 * MINUTE, len(unit.members)))
        for begin in (start + np.cumsum(gaps * SECOND).astype(np.int64)).tolist():
            if begin < world.market.end - 2 * HOUR:
                _signal(world, rng, unit, int(rng.choice(instruments, p=MOSTLY)), begin, session)


def _signal(world: World, rng: np.random.Generator, unit: Unit, instrument: int, begin: int, sessions: Ints) -> None:
    """In together, and most of the time out together some minutes later."""
    joins = rng.random(len(unit.members)) < (0.75 if unit.careful else 0.9)
    members, session, side = unit.members[joins], sessions[joins], int(rng.integers(0, 2))
    size = len(members)
    if size < 2:
        return
    where = np.full(size, instrument)
    usd = order_sizes(world, rng, members, np.full(size, begin), where, 0.05)
    leverage = np.where(IS_PERP[where], LEVERAGES[members % len(LEVERAGES)], np.nan)
    orders = []
    moments = [begin, begin + int(rng.exponential(12 * 60) + 60) * SECOND][: 1 + int(rng.random() < 0.7)]
    for moment, way in zip(moments, (side, 1 - side), strict=False):
        lag = rng.uniform(2, 30, size) if unit.careful else rng.exponential(0.7, size)
        ts = moment + (lag * SECOND).astype(np.int64)
        source = np.where(members % 2, WEB, APP)
        orders.append(
            world.flow.place(
                members, ts, where, np.full(size, way), usd, source=source, session=session, leverage=leverage
            )
        )
    world.truth.episode("collusion", begin, moments[-1] + 30 * SECOND, "o", np.concatenate(orders), members)


COLLUDERS = Violator("colluders", (5, 6), (1, 1, 2, 8), act, recruit, rank=14)
