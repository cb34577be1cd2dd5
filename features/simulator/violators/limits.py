"""Position-limit rings: linked accounts open one perpetual together, each within its limit, jointly over it (D26)."""

import numpy as np

from features.simulator.behaviours import log_in
from features.simulator.flow import APP, BUY
from features.simulator.market import FIELD, INSTRUMENTS, number_of, on_tick
from features.simulator.network import RESIDENTIAL, Connection, connect
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Ints, mixed
from features.simulator.violators.unit import Unit, confess, pretend
from features.simulator.world import World

CROWD = 24
"""Other accounts that trade in the same minute."""


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Verified accounts with means, some on one device."""
    people, members = world.people, unit.members
    people.level[members] = 2
    people.wealth_usd[members] = rng.uniform(9_000, 20_000, len(members))
    people.favourites[members] = rng.choice(world.market.instruments("major"), people.favourites[members].shape)
    if rng.random() < 0.5:
        people.device[members[:3]] = people.device[members[0]]


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """One to three bursts with jitter of 0.1-6 s and 0-8 ticks, from one to six addresses."""
    pretend(world, rng, unit)
    confess(world, unit, "position_limit_evasion")
    symbols = [i.symbol for i in INSTRUMENTS if i.limit_usd and i.tier == "small" and i.symbol != "FLOCKUSDT"]
    instrument = number_of(str(rng.choice(symbols)), "perp")
    days = unit.days(rng, 0.2)[:3]
    addresses = int(rng.integers(1, 4))
    for number, day in enumerate(days):
        _burst(world, rng, unit, instrument, day + int(rng.integers(HOUR, 20 * HOUR)), addresses, number)


def _burst(
    world: World, rng: np.random.Generator, unit: Unit, instrument: int, moment: int, addresses: int, number: int
) -> None:
    members, size = unit.members, len(unit.members)
    jitter = np.sort(rng.random(size)) * np.exp(rng.uniform(np.log(0.1), np.log(6))) * SECOND
    ts = np.minimum(moment, world.market.end - HOUR) + jitter.astype(np.int64)
    session = _shared_log_in(world, rng, members, ts, addresses)
    limit = FIELD["limit_usd"][instrument]
    usd = np.minimum(limit * rng.uniform(0.32, 0.5, size) * (4 / size + 0.3), 0.45 * limit) / 2**number
    where, side = np.full(size, instrument), np.full(size, int(members[0]) % 2)
    tick = FIELD["tick"][instrument]
    bid, ask = world.market.touch(where, np.full(size, ts[0]))
    steps = np.round(np.where(side == BUY, ask, bid) / tick) + rng.integers(0, rng.integers(1, 9), size)
    makers = np.flatnonzero(world.people.market_maker)
    trades = world.flow.cross(
        makers[rng.integers(0, len(makers), size)],
        members,
        ts,
        where,
        side,
        on_tick(steps, tick),
        usd,
        source=APP,
        session=session,
        leverage=20.0,
    )
    world.truth.episode("position_limit_evasion", int(ts[0]), int(ts[-1]), "t", trades)
    share = rng.uniform(0.25, 0.6)
    crowd_trades(world, rng, where[:1], int(ts[0]), usd.sum() * (1 - share) / share, members)


def _shared_log_in(world: World, rng: np.random.Generator, members: Ints, ts: Ints, addresses: int) -> Ints:
    place = mixed(members[0], np.arange(len(members)) % addresses)
    country = world.people.country[members]
    plain = np.zeros(len(members), dtype=np.int64)
    line = Connection(
        RESIDENTIAL + place % (1 << 24), 64512 + country * 4, plain, country, plain, world.people.device[members]
    )
    return connect(world.ledger, world.people, members, ts - rng.integers(2 * MINUTE, 8 * HOUR, len(members)), line)


def crowd_trades(
    world: World, rng: np.random.Generator, instrument: Ints, begin: int, usd: float, without: Ints
) -> None:
    """Others trade the same instrument, `usd` in all, within the minute from `begin`."""
    people = world.people
    eligible = np.flatnonzero((people.level == 2) & (people.created_at < begin - DAY) & ~people.market_maker)
    eligible = np.setdiff1d(eligible, np.concatenate([without, people.named("FLOCK-B1")]))
    eligible = eligible[[people.agent[number] in ("retail", "day_trader", "office") for number in eligible]]
    crowd = rng.choice(eligible, min(CROWD, len(eligible)), replace=False)
    makers = np.flatnonzero(people.market_maker)
    taker = np.tile(crowd, 3)
    ts = begin + rng.integers(SECOND, 59 * SECOND, len(taker))
    where, side = np.full(len(taker), instrument[0]), rng.integers(0, 2, len(taker))
    bid, ask = world.market.touch(where, ts)
    parts = rng.lognormal(0, 0.8, len(taker))
    session = log_in(world, rng, crowd, begin - rng.integers(MINUTE, 3 * HOUR, len(crowd)))
    world.flow.cross(
        makers[rng.integers(0, len(makers), len(taker))],
        taker,
        ts,
        where,
        side,
        np.where(side == BUY, ask, bid),
        usd * parts / parts.sum(),
        source=APP,
        session=np.tile(session, 3),
        leverage=10.0,
    )
