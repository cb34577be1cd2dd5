"""Wash rings: members trade small symbols in circles among themselves, with noise, pauses and leaks to others.

See docs/methods.md#d03-wash-trading.
"""

from dataclasses import dataclass

import numpy as np

from features.simulator.honest.behaviours import log_in
from features.simulator.market.flow import APP, BUY, SELL, Rows
from features.simulator.market.market import FIELD
from features.simulator.promotions import enter
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Floats, Ints
from features.simulator.violators.unit import MAX_EPISODES_OF_FAILED, Unit, confess, pretend
from features.simulator.violators.violator import Violator
from features.simulator.world import World


@dataclass(frozen=True, slots=True)
class TradingStyle:
    """How one ring trades: mean pause between legs, relative noise of sizes, share of legs that leak to others.

    `shortest` is the least number of members in a circle; a ring that nets over the day has long pauses.
    """

    pause_seconds: float
    noise: float
    leak: float
    shortest: int


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Many rings share a line and some devices; those that follow the advice keep everything apart."""
    people, members = world.people, unit.members
    people.level[members] = 2
    people.wealth_usd[members] = rng.uniform(4e3, 3e4, len(members))
    if not unit.careful and rng.random() < 0.8:
        people.home[members[:-1]] = people.home[members[0]]
        people.device[members[: len(members) // 2 + 1]] = people.device[members[0]]


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Round trips in bursts on some days; every circle returns its members near to net zero, perhaps elsewhere."""
    pretend(world, rng, unit)
    confess(world, unit, "wash_trading")
    instruments = rng.choice(world.market.instruments("small"), 2, replace=False)
    base = rng.uniform(0.006, 0.028)
    style = (
        TradingStyle(float(np.exp(rng.uniform(np.log(600), np.log(5_000)))), rng.uniform(0.01, 0.08), 0.4, 3)
        if unit.careful
        else TradingStyle(float(np.exp(rng.uniform(np.log(20), np.log(600)))), rng.uniform(0.002, 0.02), 0.22, 2)
    )
    for day in unit.days(rng, 4.0):
        trips = MAX_EPISODES_OF_FAILED if unit.failed else 2 + int(rng.poisson(2 if unit.careful else 6 * unit.zeal))
        other = rng.random() < (0.5 if unit.careful else 0.2)
        usd = base * FIELD["depth_usd"][instruments[0]] * np.exp(rng.normal(0.4, 0.6, trips))
        start = day + int(rng.integers(0, 14 * HOUR))
        _burst(world, rng, unit, instruments[::-1] if other else instruments, start, usd, style)
    racing = unit.members[rng.random(len(unit.members)) < 0.4]
    enter(world, racing, np.full(len(racing), unit.onset - DAY // 2), rng.random(len(racing)) < 0.5)


def _burst(
    world: World, rng: np.random.Generator, unit: Unit, instruments: Ints, start: int, usd: Floats, style: TradingStyle
) -> None:
    members = unit.members
    logged_in = log_in(world, rng, members, start - rng.integers(MINUTE, 30 * MINUTE, len(members)))
    session = dict(zip(members.tolist(), logged_in.tolist(), strict=True))
    legs = _random_legs(rng, members, start, min(world.market.end - HOUR, start + 9 * HOUR), usd, style)
    crossing = unit.careful & (rng.random(len(legs)) < 0.3)
    legs = Legs(legs.seller, legs.buyer, legs.ts, legs.notional_usd, legs.circle, instruments[crossing.astype(int)])
    leaks = rng.random(len(legs)) < style.leak
    _leak(world, legs.at(leaks), session)
    crossed = legs.at(~leaks)
    trades = _agree(world, rng, crossed, session)
    world.truth.wash_trades.append(trades)
    for number in np.unique(crossed.circle):
        mine = np.flatnonzero(crossed.circle == number)
        members = np.concatenate([crossed.seller[mine], crossed.buyer[mine]])
        began, ended = crossed.ts[mine].min(), crossed.ts[mine].max()
        world.truth.episode("wash_trading", began, ended, "t", trades[mine], members)


@dataclass(frozen=True, slots=True)
class Legs(Rows):
    """Sales from one member to another, in time order; legs with the same `circle` return the members near to zero."""

    seller: Ints
    buyer: Ints
    ts: Ints
    notional_usd: Floats
    circle: Ints
    instrument: Ints


def _random_legs(
    rng: np.random.Generator, members: Ints, start: int, until: int, usd: Floats, style: TradingStyle
) -> Legs:
    """One circle for each value in `usd`, through two members or more, leg after leg."""
    longest = len(members) if style.shortest > 2 else min(3, len(members))
    paths = [rng.permutation(members)[: rng.integers(style.shortest, longest + 1)] for _ in usd]
    sizes = np.array([len(path) for path in paths])
    circle = np.repeat(np.arange(len(usd)), sizes)
    ts = start + np.cumsum((rng.exponential(style.pause_seconds, len(circle)) + 1) * SECOND).astype(np.int64)
    value = usd[circle] * (1 + style.noise * rng.standard_normal(len(circle)))
    buyers = np.concatenate([np.roll(path, -1) for path in paths])
    return Legs(np.concatenate(paths), buyers, ts, value, circle, circle).at(ts < until)


def _agree(world: World, rng: np.random.Generator, legs: Legs, session: dict[int, int]) -> Ints:
    """Cross the legs between the members; gives trade ids."""
    size, side = len(legs), rng.integers(0, 2, len(legs))
    bid, ask = world.market.touch(legs.instrument, legs.ts)
    taker = np.where(side == BUY, legs.buyer, legs.seller)
    return world.flow.cross(
        np.where(side == BUY, legs.seller, legs.buyer),
        taker,
        legs.ts,
        legs.instrument,
        side,
        np.where(side == BUY, ask, bid),
        legs.notional_usd,
        waited=rng.integers(SECOND // 2, 20 * SECOND, size),
        source=APP,
        session=_sessions(session, taker),
        ui=(rng.random(size) < 0.8).astype(np.int64),
    )


def _leak(world: World, legs: Legs, session: dict[int, int]) -> None:
    """Legs that go through the book, where anybody may be on the other side."""
    for who, direction, delay in ((legs.seller, SELL, 0), (legs.buyer, BUY, 3 * SECOND)):
        side = np.full(len(legs), direction)
        session_of_leg = _sessions(session, who)
        world.flow.place(
            who, legs.ts + delay, legs.instrument, side, legs.notional_usd, source=APP, session=session_of_leg
        )


def _sessions(session: dict[int, int], account: Ints) -> Ints:
    return np.array([session[number] for number in account.tolist()], dtype=np.int64)


WASH_RING = Violator("wash_ring", (3, 5), (1, 1, 4, 24), act, recruit, rank=1)
