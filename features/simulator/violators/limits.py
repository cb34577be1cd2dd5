"""Position-limit rings: linked accounts open one perpetual together, each within its limit, jointly over it.

See docs/methods.md#d26-position-limit-evasion.
"""

from dataclasses import dataclass

import numpy as np

from features.simulator.honest.behaviours import log_in
from features.simulator.market.flow import APP, BUY
from features.simulator.market.market import FIELD, INSTRUMENTS, number_of, on_tick
from features.simulator.people.network import ASN_TYPE, MOBILE, RESIDENTIAL, Connection, connect
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Ints, mixed, runs
from features.simulator.violators.unit import Unit, confess, pretend
from features.simulator.violators.violator import Violator
from features.simulator.world import World

TIERS = ((10.0, 2.0), (20.0, 1.0), (20.0, 1.0), (50.0, 0.5))
"""Leverage, and the limit at it as a share of the instrument's (see `venue`)."""
CROWD = 24
"""Other accounts that trade in the same minute."""


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Verified accounts with means, some on one device; some of the careful sit behind one carrier."""
    people, members = world.people, unit.members
    people.level[members] = 2
    people.wealth_usd[members] = rng.uniform(3_000, 15_000, len(members))
    people.favourites[members] = rng.choice(world.market.instruments("major"), people.favourites[members].shape)
    if not unit.careful and rng.random() < 0.6:
        people.device[members[:3]] = people.device[members[0]]


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """One to three bursts with jitter of 0.1-6 s and 0-8 ticks, from one to six addresses, at the limit of a tier."""
    pretend(world, rng, unit)
    confess(world, unit, "position_limit_evasion")
    symbols = [i.symbol for i in INSTRUMENTS if i.limit_usd and i.tier == "small" and i.symbol != "FLOCKUSDT"]
    chosen = rng.permutation([number_of(symbol, "perp") for symbol in symbols])
    leverage, multiple = TIERS[int(rng.integers(0, len(TIERS)))]
    plan = Plan(leverage, multiple, _line(world, rng, unit), rng.random() < 0.5)
    for number, day in enumerate(unit.days(rng, 1.8)[:3]):
        instrument = int(chosen[number % 2 if unit.careful else 0])
        _burst(world, rng, unit, instrument, int(day + rng.integers(HOUR, 20 * HOUR)), plan)


@dataclass(frozen=True, slots=True)
class Plan:
    """The tier a ring uses, the addresses of its members, and whether a careful ring jitters rather than spreads."""

    leverage: float
    limit_share: float
    ip: Ints
    jitters: bool


def _line(world: World, rng: np.random.Generator, unit: Unit) -> Ints:
    """Addresses: one to three, of the careful one each, or one of a carrier's that hundreds share."""
    size = len(unit.members)
    if unit.careful and rng.random() < 0.5:
        return np.full(size, MOBILE + int(rng.integers(0, 2)) * 4096)
    count = size if unit.careful else int(rng.integers(1, 4))
    return RESIDENTIAL + mixed(unit.members[0], np.arange(size) % count) % (1 << 24)


def _burst(world: World, rng: np.random.Generator, unit: Unit, instrument: int, moment: int, plan: Plan) -> None:
    members, size = unit.members, len(unit.members)
    longest = np.exp(rng.uniform(np.log(1.2), np.log(6)) if unit.careful else rng.uniform(np.log(0.1), np.log(1.5)))
    jitter = np.sort(rng.random(size)) * longest * SECOND
    ts = np.minimum(moment, world.market.end - HOUR) + jitter.astype(np.int64)
    session = _log_in_from(world, rng, members, ts, plan.ip)
    limit = FIELD["limit_usd"][instrument] * plan.limit_share
    share_of_limit = rng.uniform(0.32, 0.5, size) * (0.7 if unit.careful else 1.0)
    usd = np.minimum(limit * share_of_limit * (4 / size + 0.3), 0.45 * limit)
    where, side = np.full(size, instrument), np.full(size, int(members[0]) % 2)
    tick = FIELD["tick"][instrument]
    bid, ask = world.market.touch(where, np.full(size, ts[0]))
    max_steps = rng.integers(3, 9) if unit.careful and not plan.jitters else rng.integers(1, 3)
    steps = np.round(np.where(side == BUY, ask, bid) / tick) + rng.integers(0, max_steps, size)
    makers = np.flatnonzero(world.people.market_maker)
    child, _ = runs(rng.integers(1, 3, size))
    part = 1 / np.bincount(child)[child]
    trades = world.flow.cross(
        makers[rng.integers(0, len(makers), len(child))],
        members[child],
        ts[child] + rng.integers(0, 80_000, len(child)),
        where[child],
        side[child],
        on_tick(steps, tick)[child],
        usd[child] * part,
        source=APP,
        session=session[child],
        leverage=plan.leverage,
    )
    world.truth.episode("position_limit_evasion", ts[0], ts[-1], "t", trades, members)
    share = rng.uniform(0.25, 0.45) if unit.careful else rng.uniform(0.42, 0.6)
    crowd_trades(world, rng, where[:1], int(ts[0]), usd.sum() * (1 - share) / share, members)


def _log_in_from(world: World, rng: np.random.Generator, members: Ints, ts: Ints, ip: Ints) -> Ints:
    country, plain = world.people.country[members], np.zeros(len(members), dtype=np.int64)
    kind = np.where(ip >= MOBILE, ASN_TYPE["mobile"], ASN_TYPE["residential"])
    line = Connection(ip, 64512 + country * 4, kind, country, plain, world.people.device[members])
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


LIMIT_RING = Violator("limit_ring", (4, 5), (1, 1, 2, 8), act, recruit, rank=13)
