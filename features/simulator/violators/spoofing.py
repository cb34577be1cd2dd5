"""Spoofers: a large order on one side, a fill of their own on the other, and the large order gone at once (D04)."""

import numpy as np

from features.simulator.behaviours import Style, away_from_touch, log_in, save_and_spend, trade_by_hand, visit
from features.simulator.flow import WEB
from features.simulator.machines import in_lots
from features.simulator.market import FIELD, IS_PERP
from features.simulator.population import FAVOURITES
from features.simulator.vectors import HOUR, MINUTE, SECOND, Floats, Ints, runs
from features.simulator.violators.unit import MOST_EPISODES_OF_FAILED, Unit, confess
from features.simulator.world import World


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """A verified trader of mid and small symbols whose usual order is small beside the book."""
    people, members = world.people, unit.members
    people.level[members] = 2
    people.favourites[members] = rng.choice(world.market.instruments("mid", "small"), (len(members), FAVOURITES))
    book = FIELD["depth_usd"][people.favourites[members, :2]].min(axis=1)
    people.wealth_usd[members] = rng.uniform(0.3, 1.0, len(members)) * book


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Two to twenty episodes a day on active days, genuine trading between them."""
    confess(world, unit, "spoofing")
    visits = visit(world, rng, unit.members, 2.0)
    trade_by_hand(world, rng, visits, Style(2.0 + 5.0 * unit.camouflage, 80.0, 0.35, 0.008))
    save_and_spend(world, rng, unit.members, 0.06, 0.04)
    account = int(unit.members[0])
    instruments = world.people.favourites[account]
    for day in unit.days(rng, 0.6):
        count = MOST_EPISODES_OF_FAILED if unit.failed else int(np.clip(rng.poisson(7 * unit.zeal), 2, 20))
        start = day + int(rng.integers(0, 16 * HOUR))
        session = int(log_in(world, rng, unit.members[:1], np.array([start - 3 * MINUTE]))[0])
        gaps = rng.lognormal(np.log(240), 0.9, count) + 45
        _episodes(
            world,
            rng,
            account,
            int(instruments[rng.integers(0, 2)]),
            start + np.cumsum(gaps * SECOND).astype(np.int64),
            session,
        )


def _episodes(world: World, rng: np.random.Generator, account: int, instrument: int, ts: Ints, session: int) -> None:
    ts = ts[ts < world.market.end - HOUR]
    size = len(ts)
    who, where = np.full(size, account), np.full(size, instrument)
    side = np.where(rng.random(size) < 0.7, account % 2, 1 - account % 2)
    share = rng.uniform(0.22, 0.5, size)
    price = away_from_touch(world, rng, where, ts, side)
    large = share / (1 - share) * world.market.depth(where, ts, side)
    small = np.minimum(large / rng.uniform(8, 25, size), 0.01 * world.people.wealth_usd[account] + 60)
    filled = ts + (rng.uniform(1, 14, size) * SECOND).astype(np.int64)
    missed = rng.random(size) < 0.12
    cancelled = filled + (rng.uniform(0.3, 4.5, size) * SECOND).astype(np.int64)
    leverage = np.where(IS_PERP[where], 5.0, np.nan)
    clicks = (rng.random(size) < 0.85).astype(np.int64)
    orders = world.flow.rest(
        who,
        ts,
        where,
        side,
        price,
        in_lots(large / price, where),
        cancelled,
        source=WEB,
        session=session,
        leverage=leverage,
        ui=clicks,
    )
    hit = np.flatnonzero(~missed)
    took = world.flow.place(
        who[hit],
        filled[hit],
        where[hit],
        1 - side[hit],
        small[hit],
        source=WEB,
        session=session,
        leverage=leverage[hit],
        ui=clicks[hit],
    )
    _trade_between(world, rng, account, instrument, ts, small, session)
    for number, row in enumerate(hit):
        world.truth.episode("spoofing", int(ts[row]), int(cancelled[row]), "o", np.array([orders[row], took[number]]))


def _trade_between(
    world: World, rng: np.random.Generator, account: int, instrument: int, ts: Ints, usual: Floats, session: int
) -> None:
    """Genuine orders of the usual size between the episodes, some of which wait in the book."""
    row, _ = runs(1 + rng.poisson(2.5, len(ts)))
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
