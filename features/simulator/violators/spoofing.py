"""Spoofers: a large order on one side, a fill of their own on the other, and the large order gone at once.

See docs/methods.md#d04-spoofing.
"""

import numpy as np

from features.simulator.honest.behaviours import away_from_touch, log_in
from features.simulator.honest.machines import in_lots
from features.simulator.market.flow import API, WEB
from features.simulator.market.market import FIELD, IS_PERP
from features.simulator.people.population import FAVOURITES
from features.simulator.vectors import HOUR, MINUTE, SECOND, Floats, Ints, runs
from features.simulator.violators.unit import MAX_EPISODES_OF_FAILED, Unit, confess, pretend
from features.simulator.violators.violator import Violator
from features.simulator.world import World


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Verified traders of mid and small symbols whose usual order is small beside the book."""
    people, members = world.people, unit.members
    people.level[members] = 2
    people.favourites[members] = rng.choice(world.market.instruments("mid", "small"), (len(members), FAVOURITES))
    book = FIELD["depth_usd"][people.favourites[members, :2]].min(axis=1)
    people.wealth_usd[members] = rng.uniform(0.2, 0.6, len(members)) * book
    if len(members) > 1 and not unit.careful:
        people.device[members] = people.device[members[0]]


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Two to twenty episodes a day on active days, genuine trading between them.

    The first member places the large orders and the last one takes the fills. Careful ones keep the large order small
    beside the book, let the fill come to them, or have two accounts.
    """
    pretend(world, rng, unit)
    confess(world, unit, "spoofing")
    instruments = world.people.favourites[unit.members[0]]
    for day in unit.days(rng, 4.0):
        count = MAX_EPISODES_OF_FAILED if unit.failed else int(np.clip(rng.poisson(5 * unit.zeal), 2, 20))
        start = day + int(rng.integers(0, 15 * HOUR))
        gaps = rng.lognormal(np.log(400), 0.9, count) + 45
        ts = start + np.cumsum(gaps * SECOND).astype(np.int64)
        sessions = log_in(world, rng, unit.members, np.full(len(unit.members), start - 3 * MINUTE))
        instrument = int(instruments[rng.integers(0, 2)])
        _episodes(world, rng, unit, instrument, ts[ts < world.market.end - HOUR], sessions)


def _episodes(world: World, rng: np.random.Generator, unit: Unit, instrument: int, ts: Ints, sessions: Ints) -> None:
    size, account = len(ts), int(unit.members[0])
    who, where = np.full(size, account), np.full(size, instrument)
    side = np.where(rng.random(size) < 0.7, account % 2, 1 - account % 2)
    share = rng.uniform(0.006, 0.05, size) if unit.careful else rng.uniform(0.2, 0.35, size)
    price = away_from_touch(world, rng, where, ts, side)
    large = share / (1 - share) * world.market.depth(where, ts, side)
    small = np.minimum(large / rng.uniform(8, 25, size), 0.01 * world.people.wealth_usd[account] + 60)
    filled = ts + (rng.uniform(1, 14, size) * SECOND).astype(np.int64)
    missed = rng.random(size) < 0.12
    slow = 12.0 if unit.careful else 4.5
    cancelled = filled + (rng.uniform(0.3, slow, size) * SECOND).astype(np.int64)
    leverage = np.where(IS_PERP[where], 5.0, np.nan)
    clicks = (rng.random(size) < 0.9).astype(np.int64)
    orders = world.flow.rest(
        who,
        ts,
        where,
        side,
        price,
        in_lots(large / price, where),
        cancelled,
        source=WEB,
        session=sessions[0],
        leverage=leverage,
        ui=clicks,
    )
    hit = np.flatnonzero(~missed)
    took = _fills(world, rng, unit, (instrument, filled[hit], 1 - side[hit], small[hit]), sessions[-1])
    _trade_between(world, rng, account, instrument, ts, small, int(sessions[0]))
    for number, row in enumerate(hit):
        events = np.array([orders[row], took[number]])
        world.truth.episode("spoofing", ts[row], cancelled[row], "o", events, unit.members)


def _fills(
    world: World, rng: np.random.Generator, unit: Unit, wanted: tuple[int, Ints, Ints, Floats], session: int
) -> Ints:
    """The fills on the other side: taken, or (of half of the careful) by an order that waits; gives order ids."""
    instrument, ts, side, usd = wanted
    size = len(ts)
    who, where = np.full(size, unit.members[-1]), np.full(size, instrument)
    leverage = np.where(IS_PERP[where], 5.0, np.nan)
    if not unit.careful or int(unit.members[0]) % 2:
        return world.flow.place(who, ts, where, side, usd, source=WEB, session=session, leverage=leverage)
    makers = np.flatnonzero(world.people.market_maker)
    bid, ask = world.market.touch(where, ts)
    world.flow.cross(
        who,
        makers[rng.integers(0, len(makers), size)],
        ts,
        where,
        1 - side,
        np.where(side == 0, bid, ask),
        usd,
        waited=rng.integers(SECOND, 9 * SECOND, size),
        source=API,
        maker_source=WEB,
        leverage=leverage,
    )
    return world.flow.fills[-1].maker_order


def _trade_between(
    world: World, rng: np.random.Generator, account: int, instrument: int, ts: Ints, usual: Floats, session: int
) -> None:
    """Genuine orders of the usual size between the episodes, some of which wait in the book."""
    row, _ = runs(rng.poisson(1.5, len(ts)))
    at = ts[row] - 60 * SECOND + rng.integers(0, 4 * MINUTE, len(row))
    usd = usual[row] * rng.lognormal(0, 0.5, len(row))
    who, where = np.full(len(row), account), np.full(len(row), instrument)
    world.flow.place(
        who,
        at,
        where,
        rng.integers(0, 2, len(row)),
        usd,
        passive=rng.random(len(row)) < 0.4,
        source=WEB,
        session=session,
        leverage=np.where(IS_PERP[where], 5.0, np.nan),
    )


SPOOFER = Violator("spoofer", (1, 2), (3, 2, 8, 50), act, recruit, rank=4)
