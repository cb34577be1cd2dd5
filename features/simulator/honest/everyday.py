"""Everyday users: people who trade now and then, by day, by grid bot or hardly, and those who share a line."""

import numpy as np

from features.simulator import funds
from features.simulator.honest import clients
from features.simulator.honest.agent import Agent
from features.simulator.honest.behaviours import Style, run_grid, save_and_spend, suffer_mishaps, trade_by_hand, visit
from features.simulator.promotions import compete
from features.simulator.vectors import DAY, Ints
from features.simulator.world import World


def live_dormant(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Looks in every week or two and seldom trades."""
    trade_by_hand(world, rng, visit(world, rng, members, rng.gamma(1.5, 0.08, len(members))), Style(0.25))
    save_and_spend(world, rng, members, 0.008, 0.006)
    suffer_mishaps(world, rng, members, 0.004)


def live_retail(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Trades now and then from phone or browser and saves a little."""
    logins = visit(world, rng, members, rng.gamma(2.0, 0.35, len(members)))
    trade_by_hand(world, rng, logins, Style(0.9))
    save_and_spend(world, rng, members, 0.14, 0.08)
    suffer_mishaps(world, rng, members, 0.03)
    clients.mistype(world, rng, members)
    compete(world, rng, members)


def live_day_trader(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Many round trips a day with leverage, awake by day only."""
    logins = visit(world, rng, members, 3.0)
    orders = 60.0 / 3.0 / world.profile.rate_divisor
    trade_by_hand(world, rng, logins, Style(orders * 1.6, 240.0, 0.4, 0.08, turns=True))
    save_and_spend(world, rng, members, 0.15, 0.12)
    suffer_mishaps(world, rng, members, 0.04)
    compete(world, rng, members)


def live_staker(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Holds and stakes."""
    trade_by_hand(world, rng, visit(world, rng, members, 0.3), Style(0.15))
    funds.stake(world, rng, members)
    save_and_spend(world, rng, members, 0.03, 0.01)


def live_grid(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Lets the platform's grid bot trade and looks at it sometimes."""
    visit(world, rng, members, 0.8)
    run_grid(world, rng, members, 60.0 / world.profile.rate_divisor)
    save_and_spend(world, rng, members, 0.03, 0.02)


def recruit_families(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Two to four people share the line at home and a device."""
    head = members[np.arange(len(members)) // 3 * 3]
    world.people.home[members] = head
    world.people.device[members] = head
    world.people.country[members] = world.people.country[head]
    world.people.offset[members] = world.people.offset[head]


def live_in_family(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Ordinary lives; now and then the head of the household gives somebody pocket money."""
    live_retail(world, rng, members)
    heads = world.people.home[members]
    others = members[heads != members]
    since, until = world.people.since(others, world.market), np.full(len(others), world.market.end - DAY)
    heads = world.people.home[others]
    since = np.maximum(since, world.people.since(heads, world.market))
    entry, ts = world.clock.arrivals(rng, np.full(len(others), 0.06), world.people.offset[others], since, until)
    usd = np.round(rng.lognormal(4.0, 0.8, len(ts)), 2)
    funds.hand_over(world, heads[entry], others[entry], ts, usd)


def recruit_offices(world: World, rng: np.random.Generator, members: Ints) -> None:
    """15 to 60 colleagues behind one address, each with a device of their own."""
    sizes = rng.integers(15, 61, len(members) // 15 + 1)
    site = np.repeat(np.arange(len(sizes)), sizes)[: len(members)]
    world.people.office[members] = site + int(rng.integers(0, 1000))


DORMANT = Agent("dormant", 0.333, live_dormant, rank=1)
RETAIL = Agent("retail", 0.29, live_retail, rank=2)
DAY_TRADER = Agent("day_trader", 0.06, live_day_trader, rank=3)
STAKER = Agent("staker", 0.055, live_staker, rank=4)
GRID_USER = Agent("grid_user", 0.03, live_grid, resembles="layering", rank=5)
FAMILY = Agent("family", 0.03, live_in_family, recruit_families, resembles="multi_account", rank=6)
OFFICE = Agent("office", 0.04, live_retail, recruit_offices, rank=7)
