"""Wash rings: members trade small symbols in circles among themselves, with noise, pauses and leaks to others (D03)."""

from dataclasses import dataclass

import numpy as np

from features.simulator.behaviours import log_in
from features.simulator.flow import APP, BUY, SELL, Rows
from features.simulator.market import FIELD
from features.simulator.promotions import enter
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Floats, Ints
from features.simulator.violators.unit import MOST_EPISODES_OF_FAILED, Unit, confess, pretend
from features.simulator.world import World


@dataclass(frozen=True, slots=True)
class Manner:
    """How one ring trades: mean pause between legs, relative noise of sizes, share of legs that leak to others."""

    pause_seconds: float
    noise: float
    leak: float


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Half of the rings share a line and some devices; the others follow the advice to keep everything apart."""
    people, members = world.people, unit.members
    people.level[members] = 2
    people.wealth_usd[members] = rng.uniform(8e3, 4e4, len(members))
    if rng.random() < 0.5:
        people.home[members[:-1]] = people.home[members[0]]
        people.device[members[: len(members) // 2 + 1]] = people.device[members[0]]


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Round trips in bursts on most days; every circle returns its members near to net zero."""
    pretend(world, rng, unit)
    confess(world, unit, "wash_trading")
    small = world.market.instruments("small")
    instruments = rng.choice(small, 2, replace=False)
    base = rng.uniform(0.01, 0.05)
    manner = Manner(
        float(np.exp(rng.uniform(np.log(20), np.log(600)))), rng.uniform(0.002, 0.02), rng.uniform(0.05, 0.4)
    )
    for day in unit.days(rng, 0.75):
        trips = MOST_EPISODES_OF_FAILED if unit.failed else 2 + int(rng.poisson(7 * unit.zeal))
        instrument = int(instruments[int(rng.random() < 0.25)])
        usd = base * FIELD["depth_usd"][instrument] * np.exp(rng.normal(0.6, 0.6, trips))
        _burst(world, rng, unit.members, instrument, day + int(rng.integers(0, 14 * HOUR)), usd, manner)
    racing = unit.members[rng.random(len(unit.members)) < 0.6]
    enter(world, racing, np.full(len(racing), unit.onset - DAY // 2), rng.random(len(racing)) < 0.7)


def _burst(
    world: World, rng: np.random.Generator, members: Ints, instrument: int, start: int, usd: Floats, manner: Manner
) -> None:
    logged_in = log_in(world, rng, members, start - rng.integers(MINUTE, 30 * MINUTE, len(members)))
    session = dict(zip(members.tolist(), logged_in.tolist(), strict=True))
    legs = _drawn(rng, members, start, min(world.market.end - HOUR, start + 9 * HOUR), usd, manner)
    leaks = rng.random(len(legs)) < manner.leak
    _leak(world, legs.at(leaks), instrument, session)
    trades, circle = _agree(world, rng, legs.at(~leaks), instrument, session)
    world.truth.wash_trades.append(trades)
    ts = legs.ts[~leaks]
    for number in np.unique(circle):
        mine = circle == number
        world.truth.episode("wash_trading", int(ts[mine].min()), int(ts[mine].max()), "t", trades[mine])


@dataclass(frozen=True, slots=True)
class Legs(Rows):
    """Sales from one member to another, in time order; legs with the same `circle` return the members near to zero."""

    seller: Ints
    buyer: Ints
    ts: Ints
    notional_usd: Floats
    circle: Ints


def _drawn(rng: np.random.Generator, members: Ints, start: int, until: int, usd: Floats, manner: Manner) -> Legs:
    """One circle for each value in `usd`, through two members or more, leg after leg."""
    paths = [rng.permutation(members)[: rng.integers(2, len(members) + 1)] for _ in usd]
    sizes = np.array([len(path) for path in paths])
    circle = np.repeat(np.arange(len(usd)), sizes)
    ts = start + np.cumsum((rng.exponential(manner.pause_seconds, len(circle)) + 1) * SECOND).astype(np.int64)
    value = usd[circle] * (1 + manner.noise * rng.standard_normal(len(circle)))
    buyers = np.concatenate([np.roll(path, -1) for path in paths])
    return Legs(np.concatenate(paths), buyers, ts, value, circle).at(ts < until)


def _agree(
    world: World, rng: np.random.Generator, legs: Legs, instrument: int, session: dict[int, int]
) -> tuple[Ints, Ints]:
    """Cross the legs between the members; gives trade ids and their circles."""
    size, side = len(legs), rng.integers(0, 2, len(legs))
    where = np.full(size, instrument)
    bid, ask = world.market.touch(where, legs.ts)
    taker = np.where(side == BUY, legs.buyer, legs.seller)
    trades = world.flow.cross(
        np.where(side == BUY, legs.seller, legs.buyer),
        taker,
        legs.ts,
        where,
        side,
        np.where(side == BUY, ask, bid),
        legs.notional_usd,
        waited=rng.integers(SECOND // 2, 20 * SECOND, size),
        source=APP,
        session=_sessions(session, taker),
        ui=(rng.random(size) < 0.6).astype(np.int64),
    )
    return trades, legs.circle


def _leak(world: World, legs: Legs, instrument: int, session: dict[int, int]) -> None:
    """Legs that go through the book, where anybody may be on the other side."""
    for who, direction, delay in ((legs.seller, SELL, 0), (legs.buyer, BUY, 3 * SECOND)):
        side, where = np.full(len(legs), direction), np.full(len(legs), instrument)
        known = _sessions(session, who)
        world.flow.place(who, legs.ts + delay, where, side, legs.notional_usd, source=APP, session=known, ui=0)


def _sessions(session: dict[int, int], account: Ints) -> Ints:
    return np.array([session[number] for number in account.tolist()], dtype=np.int64)
