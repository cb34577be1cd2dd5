"""Excessive orders: bursts that are cancelled within a second, or hundreds of cancels a contract and day.

See docs/methods.md#d06-excessive-orders.
"""

import numpy as np

from features.simulator.honest.behaviours import log_in
from features.simulator.honest.machines import approve_keys, in_lots
from features.simulator.market.flow import API, BUY
from features.simulator.market.market import FIELD, IS_PERP
from features.simulator.vectors import HOUR, MINUTE, SECOND, Ints
from features.simulator.violators.unit import MAX_EPISODES_OF_FAILED, Unit, confess, pretend
from features.simulator.violators.violator import Violator
from features.simulator.world import World


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """A verified trader with a key for programs."""
    people, members = world.people, unit.members
    people.level[members] = 2
    people.favourites[members] = rng.choice(world.market.instruments("mid", "small"), people.favourites[members].shape)


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Bursts of a minute in one contract or (careful) in several, below the limits, of which hardly any order fills."""
    pretend(world, rng, unit)
    confess(world, unit, "excessive_orders")
    approve_keys(world, unit.members)
    own = world.people.favourites[unit.members[0]]
    steady = not unit.careful and rng.random() < 0.25
    for day in unit.days(rng, 3.0):
        start = day + int(rng.integers(0, 14 * HOUR))
        log_in(world, rng, unit.members, np.array([start - 3 * MINUTE]), "api")
        bursts = 1 if unit.failed or unit.careful else 1 + int(rng.poisson(0.5))
        begins = start + np.cumsum(rng.exponential(40 * 60, bursts) * SECOND).astype(np.int64)
        for begin in begins[begins < world.market.end - 10 * HOUR].tolist():
            _burst(world, rng, unit, own, begin)
        if steady and not unit.failed and start < world.market.end - 10 * HOUR:
            _all_day(world, rng, unit, int(own[0]), start)


def _burst(world: World, rng: np.random.Generator, unit: Unit, own: Ints, begin: int) -> None:
    most = MAX_EPISODES_OF_FAILED * 15 if unit.failed else 15 if unit.careful else 80
    count = int(rng.integers(most // 3 if unit.careful or unit.failed else 50, most))
    ts = np.sort(begin + rng.integers(0, (100 if unit.careful else 55) * SECOND, count))
    where = own[rng.integers(0, len(own), count)] if unit.careful else np.full(count, own[0])
    life = rng.exponential(2.0 if unit.careful else 0.35, count) + (1.05 if unit.careful else 0.02)
    _send(world, rng, unit, where, ts, ts + (life * SECOND).astype(np.int64))
    if unit.careful or rng.random() < 0.7:
        _look_busy(world, rng, unit, where, ts)


def _look_busy(world: World, rng: np.random.Generator, unit: Unit, where: Ints, ts: Ints) -> None:
    """Small genuine orders afterwards, so that orders and trades keep a usual proportion."""
    ts, where = ts.repeat(2), where.repeat(2)
    closed = rng.random(len(ts)) < 0.8
    later = ts[closed] + rng.integers(MINUTE, 6 * HOUR, int(closed.sum()))
    who = unit.members.repeat(len(later))
    geared = np.where(IS_PERP[where[closed]], 5.0, np.nan)
    usd = rng.uniform(10, 80, len(later))
    side = rng.integers(0, 2, len(later))
    world.flow.place(who, later, where[closed], side, usd, source=API, api_key=who * 4, leverage=geared, ui=0)


def _all_day(world: World, rng: np.random.Generator, unit: Unit, instrument: int, start: int) -> None:
    """More cancels in one contract than the programme allows."""
    count = int(rng.integers(520, 800))
    ts = np.sort(start + rng.integers(0, 9 * HOUR, count))
    life = np.exp(rng.normal(np.log(4), 1.0, count))
    _send(world, rng, unit, np.full(count, instrument), ts, ts + (life * SECOND).astype(np.int64))


def _send(world: World, rng: np.random.Generator, unit: Unit, where: Ints, ts: Ints, cancelled_at: Ints) -> None:
    size = len(ts)
    side = rng.integers(0, 2, size)
    bid, ask = world.market.touch(where, ts)
    price = np.where(side == BUY, bid, ask)
    usd = FIELD["depth_usd"][where] * rng.uniform(0.0005, 0.004, size)
    orders = world.flow.rest(
        unit.members.repeat(size),
        ts,
        where,
        side,
        price,
        in_lots(usd / price, where),
        cancelled_at,
        source=API,
        api_key=unit.members.repeat(size) * 4,
        leverage=np.where(IS_PERP[where], 5.0, np.nan),
        ui=0,
    )
    world.truth.episode("excessive_orders", ts.min(), cancelled_at.max(), "o", orders, unit.members)


STUFFER = Violator("stuffer", (1, 1), (1, 2, 5, 24), act, recruit, rank=6)
