"""Layerers: several orders at several prices on one side, a fill on the other, and all of them gone.

See docs/methods.md#d05-layering.
"""

import numpy as np

from features.simulator.honest.behaviours import log_in
from features.simulator.honest.machines import in_lots
from features.simulator.market.flow import BUY, WEB
from features.simulator.market.market import FIELD, IS_PERP
from features.simulator.people.population import FAVOURITES
from features.simulator.vectors import HOUR, MINUTE, SECOND, Ints
from features.simulator.violators.unit import MAX_EPISODES_OF_FAILED, Unit, confess, pretend
from features.simulator.violators.violator import Violator
from features.simulator.world import World


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """A verified trader of mid and small symbols."""
    people, members = world.people, unit.members
    people.level[members] = 2
    people.favourites[members] = rng.choice(world.market.instruments("mid", "small"), (len(members), FAVOURITES))
    people.wealth_usd[members] = 0.4 * FIELD["depth_usd"][people.favourites[members, 0]]


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Three to six levels that vanish in one burst; careful ones take 8-40 s to cancel and offer less."""
    pretend(world, rng, unit)
    confess(world, unit, "layering")
    account = unit.members[0]
    for day in unit.days(rng, 3.0):
        count = (
            MAX_EPISODES_OF_FAILED
            if unit.failed
            else int(np.clip(rng.poisson((1.5 if unit.careful else 3.0) * unit.zeal), 1, 8))
        )
        start = day + int(rng.integers(0, 15 * HOUR))
        ts = start + np.cumsum((rng.lognormal(np.log(1_200), 0.8, count) + 90) * SECOND).astype(np.int64)
        session = log_in(world, rng, unit.members, np.array([start - 3 * MINUTE]))
        instrument = int(world.people.favourites[account, rng.integers(0, 2)])
        for begin in ts[ts < world.market.end - HOUR].tolist():
            _episode(world, rng, unit, instrument, begin, session)


def _episode(world: World, rng: np.random.Generator, unit: Unit, instrument: int, begin: int, session: Ints) -> None:
    side = int(rng.random() < 0.5)
    levels = int(rng.integers(2, 5) if unit.careful else rng.integers(3, 7))
    share = rng.uniform(0.025, 0.09) if unit.careful else rng.uniform(0.2, 0.36)
    moment, direction = np.array([begin]), np.array([side])
    depth = float(world.market.depth(np.array([instrument]), moment, direction)[0])
    placed = begin + np.sort(rng.integers(0, 30 * SECOND, levels))
    where = np.full(levels, instrument)
    price = _ladder(world, rng, instrument, begin, side, levels)
    filled = int(placed[-1]) + int(rng.uniform(2, 20) * SECOND)
    slow, fast = rng.uniform(8, 40, levels), 0.4 + rng.uniform(0, 1.2) + rng.uniform(0, 0.3, levels)
    cancelled_at = filled + ((slow if unit.careful else fast) * SECOND).astype(np.int64)
    usd = share / (1 - share) * depth * rng.dirichlet(np.full(levels, 8.0))
    leverage = np.where(IS_PERP[where], 5.0, np.nan)
    orders = world.flow.rest(
        unit.members.repeat(levels),
        placed,
        where,
        np.full(levels, side),
        price,
        in_lots(usd / price, where),
        cancelled_at,
        source=WEB,
        session=session,
        leverage=leverage,
        ui=(rng.random(levels) < 0.9).astype(np.int64),
    )
    fills = int(rng.integers(2, 6))
    took = world.flow.place(
        unit.members.repeat(fills),
        filled - np.arange(fills)[::-1] * SECOND,
        where[:1].repeat(fills),
        np.full(fills, 1 - side),
        np.full(fills, 2 * share * depth / fills / rng.uniform(8, 20)),
        source=WEB,
        session=session,
        leverage=leverage[:1].repeat(fills),
    )
    world.truth.episode("layering", begin, cancelled_at.max(), "o", np.concatenate([orders, took]), unit.members)


def _ladder(
    world: World, rng: np.random.Generator, instrument: int, begin: int, side: int, levels: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Distinct prices behind the touch, a few ticks apart."""
    bid, ask = world.market.touch(np.array([instrument]), np.array([begin]))
    steps = float(np.round(1 / FIELD["tick"][instrument]))
    ticks = np.cumsum(rng.integers(1, 3, levels))
    price = np.round(bid * steps) - ticks if side == BUY else np.round(ask * steps) + ticks
    return np.asarray(np.maximum(price, 1) / steps)


LAYERER = Violator("layerer", (1, 1), (1, 2, 5, 30), act, recruit, rank=5)
