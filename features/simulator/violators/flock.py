"""The case study of clause 8, to the millisecond: six FLOCKUSDT openings from one address, half of the volume."""

import numpy as np

from features.simulator import funds
from features.simulator.honest.behaviours import log_in
from features.simulator.market.flow import APP, BUY
from features.simulator.market.market import FLOCK, FLOCK_MOMENT, FLOCK_PRICE, number_of, on_tick
from features.simulator.people.network import Connection, connect
from features.simulator.people.population import FLOCK_NAMES
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Bools, Ints
from features.simulator.violators.unit import Unit, confess
from features.simulator.violators.violator import Violator
from features.simulator.world import World

SHARED_IP = (203 << 24) + (113 << 8) + 17
OFFSETS_MS = (0, 56, 91, 179, 232, 375)
NOTIONAL_USD = 45_000.0
OUTSIDERS, OUTSIDE_TRADES, OUTSIDE_USD = 60, 200, 270_000.0
CREATED_DAYS_BEFORE = (18, 18, 16, 10, 209, 3, 400)
"""Days before 2025-05-30 on which the accounts were made: 05-12 (twice), 05-14, 05-20, 2024-11-02, 05-27, and B1's."""
DEVICES = (0, 1, 2, 0, 4, 5, 6)
"""A1 and A4 share a device."""
MIDNIGHT = FLOCK_MOMENT // DAY * DAY


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Fix the traits of the seven accounts, all verified to level 2."""
    people, seven = world.people, world.people.named(*FLOCK_NAMES)
    people.created_at[seven] = MIDNIGHT - np.array(CREATED_DAYS_BEFORE) * DAY + np.arange(7) * 11 * MINUTE + 9 * HOUR
    people.level[seven] = 2
    people.wealth_usd[seven] = 3_000.0
    people.device[seven] = seven[np.array(DEVICES)]
    people.home[seven] = seven
    for trait in (people.office, people.mobile_pool, people.referrer):
        trait[seven] = -1
    people.vpn[seven] = False


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Small bitcoin and ether trades since each account's creation, two sources of deposits, then the burst."""
    confess(world, unit, "position_limit_evasion", np.full(6, FLOCK_MOMENT))
    for account in unit.members:
        _warm_up(world, rng, account)
    ring = unit.members
    _fund(world, rng, ring)
    opened = FLOCK_MOMENT + np.array(OFFSETS_MS) * 1000
    session = _from_shared_address(world, ring, MIDNIGHT - rng.integers(HOUR, 6 * HOUR, 6))
    _from_shared_address(world, world.people.named("FLOCK-B1"), np.array([MIDNIGHT - 3 * DAY]))
    instrument = np.full(6, number_of(FLOCK, "perp"))
    trades = world.flow.cross(
        _makers(world)[np.arange(6) % len(_makers(world))],
        ring,
        opened,
        instrument,
        np.full(6, BUY),
        np.full(6, FLOCK_PRICE),
        np.full(6, NOTIONAL_USD),
        waited=rng.integers(SECOND, 3 * SECOND, 6),
        source=APP,
        session=session,
        leverage=20.0,
    )
    world.truth.episode("position_limit_evasion", int(opened[0]), int(opened[-1]), "t", trades, ring)
    _outside(world, rng)


def _makers(world: World) -> Ints:
    return np.flatnonzero(world.people.market_maker)


def _from_shared_address(world: World, account: Ints, ts: Ints) -> Ints:
    zero = np.zeros(len(account), dtype=np.int64)
    country = world.people.country[account[:1]].repeat(len(account))
    line = Connection(zero + SHARED_IP, zero + 64_520, zero, country, zero, world.people.device[account])
    return connect(world.ledger, world.people, account, ts, line)


def _warm_up(world: World, rng: np.random.Generator, account: int) -> None:
    since = max(int(world.people.created_at[account]) + 2 * HOUR, world.market.start + HOUR, MIDNIGHT - 14 * DAY)
    ts = np.sort(rng.integers(since, MIDNIGHT - 8 * HOUR, int(rng.integers(8, 20))))
    who = np.full(len(ts), account)
    session = log_in(world, rng, who, ts - 2 * MINUTE)
    spot = np.array([number_of("BTCUSDT", "spot"), number_of("ETHUSDT", "spot")])
    world.flow.place(
        who,
        ts,
        rng.choice(spot, len(ts)),
        rng.integers(0, 2, len(ts)),
        rng.uniform(15, 120, len(ts)),
        source=APP,
        session=session,
    )


def _fund(world: World, rng: np.random.Generator, ring: Ints) -> None:
    since = np.maximum(world.people.created_at[ring] + 3 * HOUR, world.market.start + 2 * HOUR)
    ts = since + (rng.random(6) * (MIDNIGHT - HOUR - since)).astype(np.int64)
    sources = funds.fresh_addresses(world, 2)
    funds.deposit(world, ring, ts, rng.uniform(2_400, 3_600, 6), funds.SELF_HOSTED, sources[np.arange(6) % 2])


def outsiders(world: World) -> Ints:
    """The sixty other accounts of that minute: verified, older than a week, none linked to the ring."""
    people = world.people
    fit: Bools = (people.level == 2) & (people.created_at < FLOCK_MOMENT - 7 * DAY) & ~people.market_maker
    fit &= np.isin(np.array(people.agent), ["retail", "day_trader", "office", "dormant", "staker"])
    return np.flatnonzero(fit)[:: max(1, int(fit.sum()) // OUTSIDERS)][:OUTSIDERS]


def _outside(world: World, rng: np.random.Generator) -> None:
    others = outsiders(world)
    taker = others[np.arange(OUTSIDE_TRADES) % len(others)]
    makers = np.concatenate([_makers(world), others])
    maker = rng.choice(makers, OUTSIDE_TRADES)
    maker = np.where(maker == taker, makers[0], maker)
    ts = np.sort(FLOCK_MOMENT + rng.integers(600_000, 59_900_000, OUTSIDE_TRADES))
    cents = np.round(rng.dirichlet(np.full(OUTSIDE_TRADES, 1.2)) * (OUTSIDE_USD - 10 * OUTSIDE_TRADES) * 100) + 1_000
    cents[0] += OUTSIDE_USD * 100 - cents.sum()
    side = rng.integers(0, 2, OUTSIDE_TRADES)
    price = on_tick(np.round(FLOCK_PRICE * 1e5) + rng.integers(-18, 19, OUTSIDE_TRADES), 0.00001)
    session = log_in(
        world, rng, others, np.full(len(others), FLOCK_MOMENT - 20 * MINUTE) - rng.integers(0, 2 * HOUR, len(others))
    )
    world.flow.cross(
        maker,
        taker,
        ts,
        np.full(OUTSIDE_TRADES, number_of(FLOCK, "perp")),
        side,
        price,
        cents / 100,
        waited=rng.integers(100_000, 500_000, OUTSIDE_TRADES),
        source=APP,
        session=session[np.arange(OUTSIDE_TRADES) % len(others)],
        leverage=10.0,
    )


FLOCK_RING = Violator("flock_ring", (6, 6), (1, 1, 1, 1), act, recruit, scripted=True, rank=16)
