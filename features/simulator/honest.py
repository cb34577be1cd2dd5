"""The honest cast: which kinds of honest account there are, how common, and what they do."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from features.simulator import collectives, funds, lookalikes, machines, passing
from features.simulator.behaviours import Style, run_grid, save_and_spend, suffer_mishaps, trade_by_hand, visit
from features.simulator.promotions import compete
from features.simulator.vectors import Ints
from features.simulator.world import World

Act = Callable[[World, np.random.Generator, Ints], None]


@dataclass(frozen=True, slots=True)
class Agent:
    """A kind of honest account.

    To add one: write a function that takes (world, rng, members) and emits rows through `world.flow` and
    `world.ledger` (see `behaviours`), and add one line to `HONEST`. `share` is relative to the other shares;
    `recruit` may change the members' traits before accounts and verifications are written. Nothing else changes:
    every agent draws from a generator of its own name. If it resembles a violation on purpose, say so in
    `resembles`: the simulated reviewers will look at it and clear it.
    """

    name: str
    share: float
    emit: Act
    recruit: Act | None = None
    at_least: int = 0
    resembles: str | None = None


def live_dormant(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Looks in every week or two and seldom trades."""
    trade_by_hand(world, rng, visit(world, rng, members, rng.gamma(1.5, 0.08, len(members))), Style(0.25))
    save_and_spend(world, rng, members, 0.003, 0.002)
    suffer_mishaps(world, rng, members, 0.004)


def live_retail(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Trades now and then from phone or browser and saves a little."""
    visits = visit(world, rng, members, rng.gamma(2.0, 0.35, len(members)))
    trade_by_hand(world, rng, visits, Style(0.9))
    save_and_spend(world, rng, members, 0.045, 0.025)
    suffer_mishaps(world, rng, members, 0.03)
    compete(world, rng, members)


def live_day_trader(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Many round trips a day with leverage, awake by day only."""
    visits = visit(world, rng, members, 3.0)
    orders = 60.0 / 3.0 / world.profile.rate_divisor
    trade_by_hand(world, rng, visits, Style(orders * 1.6, 240.0, 0.3, 0.08, turns=True))
    save_and_spend(world, rng, members, 0.08, 0.06)
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


def recruit_offices(world: World, rng: np.random.Generator, members: Ints) -> None:
    """15 to 60 colleagues behind one address, each with a device of their own."""
    site = np.minimum(np.arange(len(members)) // 28, max(len(members) // 28 - 1, 0))
    world.people.office[members] = site + int(rng.integers(0, 1000))


HONEST: tuple[Agent, ...] = (
    Agent("dormant", 0.40, live_dormant),
    Agent("retail", 0.33, live_retail),
    Agent("day_trader", 0.06, live_day_trader),
    Agent("staker", 0.06, live_staker),
    Agent("grid_user", 0.03, live_grid),
    Agent("family", 0.03, live_retail, recruit_families, resembles="multi_account"),
    Agent("office", 0.04, live_retail, recruit_offices),
    Agent("api_quant", 0.025, machines.trade_by_program, machines.recruit_quants),
    Agent("market_maker", 0.002, machines.make_markets, machines.recruit_makers, at_least=6),
    Agent("thin_market_pair", 0.002, lookalikes.quote_each_other, lookalikes.recruit_pairs, 4, "wash_trading"),
    Agent("credential_rotator", 0.012, lookalikes.rotate_credentials, None, 6, "account_takeover"),
    Agent("new_phone", 0.012, lookalikes.move_house, lookalikes.recruit_movers, 6, "account_takeover"),
    Agent("merchant", 0.006, passing.pay_out, passing.recruit_merchants, 4, "money_laundering"),
    Agent("p2p_seller", 0.012, passing.sell_to_persons, lookalikes.recruit_movers, 4, "money_laundering"),
    Agent("arbitrageur", 0.012, passing.arbitrate, lookalikes.recruit_movers, 4, "money_laundering"),
    Agent("corporate", 0.006, collectives.share_a_master, collectives.recruit_corporates, 6, "multi_account"),
    Agent("copy_trader", 0.02, collectives.copy_leader, collectives.recruit_copiers, 10, "position_limit_evasion"),
    Agent("referral_wave", 0.008, lookalikes.follow_influencer, lookalikes.recruit_followers, 10, "multi_account"),
    Agent("nervous_trader", 0.010, lookalikes.pull_large_orders, lookalikes.recruit_nervous, 6, "spoofing"),
    Agent("news_crowd", 0.010, lookalikes.react_to_news, lookalikes.recruit_crowd, 10, "position_limit_evasion"),
    Agent("traveller", 0.010, lookalikes.travel, None, 4),
)
"""Every honest agent; the first is also what accounts become that no rounding has placed."""
