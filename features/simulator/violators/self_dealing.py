"""Self-dealing: pairs that hand profit over at an arranged price, own trades, and round trips on one account.

See docs/methods.md#d03-wash-trading.
"""

import numpy as np

from features.simulator import funds
from features.simulator.honest.behaviours import log_in, order_sizes, secure
from features.simulator.market.flow import APP, BUY, SELL, WEB
from features.simulator.market.market import FIELD, IS_PERP, on_tick
from features.simulator.vectors import HOUR, MINUTE, SECOND, Ints
from features.simulator.violators.unit import MAX_EPISODES_OF_FAILED, Unit, confess, pretend
from features.simulator.violators.violator import Violator
from features.simulator.world import World


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Verified accounts with some means; a pair shares its device unless it is careful."""
    people, members = world.people, unit.members
    people.level[members] = 2
    people.wealth_usd[members] = rng.uniform(3e3, 2e4, len(members))
    if not unit.careful:
        people.device[members], people.home[members] = people.device[members[0]], people.home[members[0]]


def deal(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """One of the two buys dear from the other and sells back cheap in a thin perpetual; some cross their own orders."""
    pretend(world, rng, unit)
    confess(world, unit, "wash_trading")
    instrument = int(rng.choice(world.market.instruments("small", product="perp")))
    if not unit.careful:
        _share_a_wallet(world, rng, unit)
    for day in unit.days(rng, 4.0):
        start = day + int(rng.integers(HOUR, 15 * HOUR))
        count = MAX_EPISODES_OF_FAILED if unit.failed else 1 + int(rng.poisson(1.0 if unit.careful else 3.0))
        pause = (3 * HOUR if unit.careful else 8 * MINUTE) // SECOND
        begins = start + np.cumsum(rng.exponential(pause, count) * SECOND).astype(np.int64)
        log_in(world, rng, unit.members, np.full(2, start - 5 * MINUTE))
        for begin in begins[begins < world.market.end - 2 * HOUR].tolist():
            _hand_over(world, rng, unit, instrument, begin)


def _hand_over(world: World, rng: np.random.Generator, unit: Unit, instrument: int, begin: int) -> None:
    """Two trades at prices on the two sides of the market; one pair in three also meets itself."""
    ts = begin + np.array([0, int(rng.exponential(90.0) + 5) * SECOND])
    where, tick = np.full(2, instrument), FIELD["tick"][instrument]
    mid = world.market.mid(where, ts)
    off = rng.uniform(0.002, 0.008) if unit.careful else rng.uniform(0.005, 0.03)
    price = on_tick(np.round(mid * (1 + np.array([off, -off])) / tick), tick)
    payer, payee = unit.members[:1].repeat(2), unit.members[1:].repeat(2)
    own = not unit.careful and int(unit.members[0]) % 3 == 0
    usd = np.full(2, FIELD["depth_usd"][instrument] * rng.uniform(0.03, 0.12))
    trades = world.flow.cross(
        payer if own else payee,
        payer,
        ts,
        where,
        np.array([BUY, SELL]),
        price,
        usd * (1 + 0.01 * rng.standard_normal(2)),
        waited=rng.integers(SECOND // 2, 5 * SECOND, 2),
        source=WEB,
        leverage=10.0,
    )
    world.truth.wash_trades.append(trades)
    world.truth.episode("wash_trading", ts[0], ts[1], "t", trades, unit.members[:1] if own else unit.members)


def _share_a_wallet(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Both withdraw to the wallet of the first before it begins."""
    ts = np.maximum(np.full(2, unit.onset) - rng.integers(2 * HOUR, 30 * HOUR, 2), world.market.start + 2 * HOUR)
    wallet = funds.own_address(unit.members[:1]).repeat(2)
    secure(world, unit.members, ts - HOUR, "withdrawal_address_added", address=wallet)
    funds.withdraw(world, unit.members, ts, rng.uniform(100, 900, 2), funds.SELF_HOSTED, wallet)


def turn_around(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Buys and sells back the same amount within minutes, several times a day, for volume alone.

    The fills come from matching, so that the truth knows these trips by their orders, not among the wash fills.
    """
    pretend(world, rng, unit)
    confess(world, unit, "wash_trading")
    instruments = world.people.favourites[unit.members[0], :2]
    for day in unit.days(rng, 4.0):
        count = MAX_EPISODES_OF_FAILED if unit.failed else 3 + int(rng.poisson(2.0 * unit.zeal))
        pause = 40 * MINUTE // SECOND
        ts = day + rng.integers(HOUR, 12 * HOUR) + np.cumsum(rng.exponential(pause, count) * SECOND).astype(np.int64)
        _turn(world, rng, unit, int(rng.choice(instruments)), ts[ts < world.market.end - 2 * HOUR])


def _turn(world: World, rng: np.random.Generator, unit: Unit, instrument: int, ts: Ints) -> None:
    size = len(ts)
    who, where = unit.members.repeat(size), np.full(size, instrument)
    session = log_in(world, rng, who, ts - 2 * MINUTE)
    usd = order_sizes(world, rng, who, ts, where, 0.08)
    unlike = rng.normal(0, 0.03 if unit.careful else 0.004, size)
    back = ts + (rng.uniform(30, 900 if unit.careful else 240, size) * SECOND).astype(np.int64)
    side = rng.integers(0, 2, size)
    geared = np.where(IS_PERP[where], 5.0, np.nan)
    out = world.flow.place(who, ts, where, side, usd, source=APP, session=session, leverage=geared)
    home = world.flow.place(
        who, back, where, 1 - side, usd * (1 + unlike), source=APP, session=session, leverage=geared
    )
    for number in range(size):
        both = np.array([out[number], home[number]])
        world.truth.episode("wash_trading", ts[number], back[number], "o", both, unit.members)


SELF_DEALER = Violator("self_dealer", (2, 2), (1, 1, 3, 15), deal, recruit, rank=2)
ROUND_TRIPPER = Violator("round_tripper", (1, 1), (1, 1, 3, 12), turn_around, recruit, rank=3)
