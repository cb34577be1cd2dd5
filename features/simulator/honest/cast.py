"""The honest cast: which kinds of honest account there are, how common, and what they do."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from features.simulator import funds
from features.simulator.honest import (
    books,
    clients,
    collectives,
    followers,
    households,
    lookalikes,
    machines,
    passing,
    savers,
)
from features.simulator.honest.behaviours import Style, run_grid, save_and_spend, suffer_mishaps, trade_by_hand, visit
from features.simulator.promotions import compete
from features.simulator.vectors import DAY, Ints
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
    save_and_spend(world, rng, members, 0.008, 0.006)
    suffer_mishaps(world, rng, members, 0.004)


def live_retail(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Trades now and then from phone or browser and saves a little."""
    visits = visit(world, rng, members, rng.gamma(2.0, 0.35, len(members)))
    trade_by_hand(world, rng, visits, Style(0.9))
    save_and_spend(world, rng, members, 0.14, 0.08)
    suffer_mishaps(world, rng, members, 0.03)
    clients.mistype(world, rng, members)
    compete(world, rng, members)


def live_day_trader(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Many round trips a day with leverage, awake by day only."""
    visits = visit(world, rng, members, 3.0)
    orders = 60.0 / 3.0 / world.profile.rate_divisor
    trade_by_hand(world, rng, visits, Style(orders * 1.6, 240.0, 0.4, 0.08, turns=True))
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


HONEST: tuple[Agent, ...] = (
    Agent("dormant", 0.333, live_dormant),
    Agent("retail", 0.29, live_retail),
    Agent("day_trader", 0.06, live_day_trader),
    Agent("staker", 0.055, live_staker),
    Agent("grid_user", 0.03, live_grid, resembles="layering"),
    Agent("family", 0.03, live_in_family, recruit_families, resembles="multi_account"),
    Agent("office", 0.04, live_retail, recruit_offices),
    Agent("api_quant", 0.025, machines.trade_by_program, machines.recruit_quants),
    Agent("market_maker", 0.002, machines.make_markets, machines.recruit_makers, at_least=6),
    Agent("thin_market_pair", 0.002, lookalikes.quote_each_other, lookalikes.recruit_pairs, 4, "wash_trading"),
    Agent("desk", 0.005, books.trade_desks, books.recruit_desks, 4, "wash_trading"),
    Agent("block_user", 0.008, books.agree_on_blocks, books.recruit_blocks, 6, "wash_trading"),
    Agent("credential_rotator", 0.012, lookalikes.rotate_credentials, None, 6, "account_takeover"),
    Agent("new_phone", 0.012, lookalikes.move_house, lookalikes.recruit_movers, 6, "account_takeover"),
    Agent("merchant", 0.006, passing.pay_out, passing.recruit_merchants, 4, "money_laundering"),
    Agent("p2p_seller", 0.012, passing.sell_to_persons, lookalikes.recruit_movers, 4, "money_laundering"),
    Agent("arbitrageur", 0.012, passing.arbitrate, lookalikes.recruit_movers, 4, "money_laundering"),
    Agent("freelancer", 0.015, savers.be_paid_by_clients, savers.recruit_savers, 4, "money_laundering"),
    Agent("form_saver", 0.015, savers.save_by_the_form, savers.recruit_savers, 4, "money_laundering"),
    Agent("returning_sleeper", 0.010, savers.wake_up, savers.recruit_sleepers, 4, "money_laundering"),
    Agent("downstream_buyer", 0.004, savers.receive_downstream, None, 3, "illicit_assets"),
    Agent("corporate", 0.006, collectives.share_a_master, collectives.recruit_corporates, 6, "multi_account"),
    Agent("copy_trader", 0.02, collectives.copy_leader, collectives.recruit_copiers, 10, "position_limit_evasion"),
    Agent("referral_wave", 0.010, lookalikes.follow_influencer, lookalikes.recruit_followers, 10, "multi_account"),
    Agent("campus", 0.015, households.study, households.recruit_students, 12, "multi_account"),
    Agent("nervous_trader", 0.010, lookalikes.pull_large_orders, lookalikes.recruit_nervous, 6, "spoofing"),
    Agent("ladder_trader", 0.020, books.stand_in_ladders, books.recruit_ladders, 8, "layering"),
    Agent("news_crowd", 0.010, lookalikes.react_to_news, lookalikes.recruit_crowd, 10, "position_limit_evasion"),
    Agent("signal_follower", 0.018, followers.follow_signals, followers.recruit_readers, 12, "collusion"),
    Agent("vendor_program", 0.010, followers.run_vendor_programs, followers.recruit_readers, 10, "collusion"),
    Agent("hotkey_trader", 0.020, clients.trade_by_hotkey, clients.recruit_keyed, 8, "unauthorised_automation"),
    Agent("lost_connection", 0.024, clients.lose_connection, clients.recruit_keyed, 4, "excessive_orders"),
    Agent("faulty_client", 0.018, clients.run_wild, clients.recruit_keyed, 4, "excessive_orders"),
    Agent(
        "banned_household", 0.006, households.live_beside_the_banned, households.recruit_relatives, 6, "banned_reentry"
    ),
    Agent("backlog", 0.006, households.wait_for_the_desk, households.recruit_backlog, 4, "kyc_gate"),
    Agent("traveller", 0.010, lookalikes.travel, None, 4),
    Agent("edd_traveller", 0.005, households.travel_to_listed, None, 4, "restricted_jurisdiction"),
)
"""Every honest agent; the first is also what accounts become that no rounding has placed."""
