"""Wash rings: members trade small symbols in circles among themselves, with noise, pauses and leaks to others (D03)."""

import numpy as np

from features.simulator.behaviours import log_in
from features.simulator.flow import APP, BUY, SELL
from features.simulator.market import FIELD
from features.simulator.promotions import enter
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Floats, Ints
from features.simulator.violators.unit import MOST_EPISODES_OF_FAILED, Unit, confess, pretend
from features.simulator.world import World


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
    leak, base = rng.uniform(0.05, 0.4), rng.uniform(0.01, 0.05)
    pause, noise = np.exp(rng.uniform(np.log(20), np.log(600))), rng.uniform(0.002, 0.02)
    for day in unit.days(rng, 0.75):
        trips = MOST_EPISODES_OF_FAILED if unit.failed else 2 + rng.poisson(7 * unit.zeal)
        instrument = int(instruments[int(rng.random() < 0.25)])
        start = day + int(rng.integers(0, 14 * HOUR))
        session = log_in(world, rng, unit.members, start - rng.integers(MINUTE, 30 * MINUTE, len(unit.members)))
        usd = base * FIELD["depth_usd"][instrument] * np.exp(rng.normal(0.6, 0.6, trips))
        _circles(world, rng, unit, instrument, start, usd, (pause, noise, leak), session)
    racing = unit.members[rng.random(len(unit.members)) < 0.6]
    enter(world, racing, np.full(len(racing), unit.onset - DAY // 2), rng.random(len(racing)) < 0.7)


def _circles(
    world: World,
    rng: np.random.Generator,
    unit: Unit,
    instrument: int,
    start: int,
    usd: Floats,
    manner: tuple[float, float, float],
    session: Ints,
) -> None:
    pause, noise, leak = manner
    seller, buyer, amount, circle = [], [], [], []
    for number, value in enumerate(usd):
        size = int(rng.integers(2, len(unit.members) + 1))
        path = rng.permutation(len(unit.members))[:size]
        seller += path.tolist()
        buyer += np.roll(path, -1).tolist()
        amount += (value * (1 + noise * rng.standard_normal(size))).tolist()
        circle += [number] * size
    ts = start + np.cumsum((rng.exponential(pause, len(seller)) + 1) * SECOND).astype(np.int64)
    inside = ts < min(world.market.end - HOUR, start + 9 * HOUR)
    sells, buys = np.array(seller)[inside], np.array(buyer)[inside]
    value, ts, rounds = np.array(amount)[inside], ts[inside], np.array(circle)[inside]
    where = np.full(len(ts), instrument)
    leaks = rng.random(len(ts)) < leak
    side = rng.integers(0, 2, len(ts))
    bid, ask = world.market.touch(where, ts)
    maker, taker = np.where(side == BUY, sells, buys), np.where(side == BUY, buys, sells)
    ours = np.flatnonzero(~leaks)
    trades = world.flow.cross(
        unit.members[maker[ours]],
        unit.members[taker[ours]],
        ts[ours],
        where[ours],
        side[ours],
        np.where(side == BUY, ask, bid)[ours],
        value[ours],
        waited=rng.integers(SECOND // 2, 20 * SECOND, len(ours)),
        source=APP,
        session=session[taker[ours]],
        ui=(rng.random(len(ours)) < 0.6).astype(np.int64),
    )
    for who, direction, delay in ((sells, SELL, 0), (buys, BUY, 3 * SECOND)):
        out = np.flatnonzero(leaks)
        world.flow.place(
            unit.members[who[out]],
            ts[out] + delay,
            where[out],
            np.full(len(out), direction),
            value[out],
            source=APP,
            session=session[who[out]],
            ui=0,
        )
    world.truth.wash_trades.append(trades)
    for number in np.unique(rounds[ours]):
        mine = rounds[ours] == number
        world.truth.episode("wash_trading", int(ts[ours][mine].min()), int(ts[ours][mine].max()), "t", trades[mine])
