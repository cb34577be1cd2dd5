"""Script farms: accounts driven through the web page by a program, where only people may act.

See docs/methods.md#d02-unauthorised-automation.
"""

import numpy as np

from features.simulator.honest.behaviours import LEVERAGES, order_sizes
from features.simulator.market.flow import APP, WEB
from features.simulator.market.market import IS_PERP
from features.simulator.people.network import connect, usual_connection
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Floats, Ints
from features.simulator.violators.unit import Unit, confess, pretend
from features.simulator.violators.violator import Violator
from features.simulator.world import World


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Bought accounts with lines of their own."""
    world.people.level[unit.members] = 2
    world.people.wealth_usd[unit.members] = np.exp(rng.normal(7.4, 0.9, len(unit.members)))


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Orders in templated intervals and sizes; careful programs sleep, vary, and replay a person's clicks."""
    pretend(world, rng, unit)
    confess(world, unit, "unauthorised_automation")
    template = rng.uniform(0.01, 0.05)
    interval = float(np.exp(rng.uniform(np.log(120), np.log(1_500))))
    for account in unit.members:
        for day in unit.days(rng, 3.0):
            ts = _schedule(rng, unit, int(day) + int(rng.integers(0, 4 * HOUR)), interval)
            ts = ts[ts < world.market.end - HOUR]
            if len(ts):
                _run(world, rng, unit, int(account), ts, template)


def _schedule(rng: np.random.Generator, unit: Unit, start: int, interval: float) -> Ints:
    hours = rng.uniform(4, 10) if unit.careful else rng.uniform(8, 20)
    most = int(rng.integers(4, 14) if unit.careful else rng.integers(10, 36))
    sigma = 0.9 if unit.careful else 0.12
    count = min(most, int(hours * 3600 / interval) + 2)
    gaps: Floats = interval * rng.lognormal(0, sigma, count)
    ts: Ints = start + np.cumsum(gaps * SECOND).astype(np.int64)
    return ts[ts < start + hours * HOUR]


def _run(world: World, rng: np.random.Generator, unit: Unit, account: int, ts: Ints, template: float) -> None:
    size, accounts = len(ts), np.array([account])
    begin = ts[:1] - 2 * MINUTE
    headless = not unit.careful and rng.random() < 0.3
    line = usual_connection(world.people, rng, accounts, begin)
    session = connect(world.ledger, world.people, accounts, begin, line, headless=headless)
    who, where = np.full(size, account), world.people.favourites[account, rng.integers(0, 2, size)]
    sizes = order_sizes(world, rng, who, ts, where, 0.04)
    fixed = np.full(size, template * world.people.wealth_usd[account] + 8)
    clicks = 0.96 if unit.careful else 0.08
    orders = world.flow.place(
        who,
        ts,
        where,
        rng.integers(0, 2, size),
        np.where(rng.random(size) < (0.3 if unit.careful else 0.85), fixed, sizes),
        passive=rng.random(size) < 0.3,
        source=WEB if account % 2 else APP,
        session=session,
        leverage=np.where(IS_PERP[where], LEVERAGES[account % len(LEVERAGES)], np.nan),
        ui=(rng.random(size) < clicks).astype(np.int64),
    )
    world.truth.episode(
        "unauthorised_automation", ts.min(), min(int(ts.max()), int(ts.min()) + DAY), "o", orders, accounts
    )


SCRIPT_FARM = Violator("script_farm", (8, 16), (1, 1, 2, 5), act, recruit, scales=True, rank=7)
