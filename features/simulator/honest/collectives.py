"""Honest accounts that act as one in the open: masters with sub-accounts, and followers of a public leader."""

import numpy as np

from features.simulator import funds
from features.simulator.honest.agent import Agent
from features.simulator.honest.behaviours import live, log_in, order_sizes, save_and_spend, visit
from features.simulator.ledger import code
from features.simulator.market.flow import APP, COPY
from features.simulator.market.market import IS_PERP
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Ints, runs
from features.simulator.world import World

INSTITUTION, SUB = code("accounts", "kind", "institution"), code("accounts", "kind", "sub")
BOOKS = 3
"""Accounts of one company."""
FOLLOWERS = 24
"""Accounts that copy one leader, the leader included."""


def recruit_corporates(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Companies with a declared master account and sub-accounts behind one address."""
    people = world.people
    master = members[np.arange(len(members)) // BOOKS * BOOKS]
    people.owner[members], people.home[members] = master, master
    people.kind[members] = np.where(members == master, INSTITUTION, SUB)
    people.level[members] = 3
    people.created_at[members] = np.minimum(people.created_at[members], world.market.start - 30 * DAY)
    people.wealth_usd[members] = np.exp(rng.normal(10.0, 0.8, len(members)))


def share_a_master(world: World, rng: np.random.Generator, members: Ints) -> None:
    """The master's logins are its sub-accounts' too: all trade the same things at the same time."""
    masters = members[world.people.owner[members] == members]
    logins = visit(world, rng, masters, 1.0)
    save_and_spend(world, rng, masters, 0.06, 0.05)
    _shift_capital(world, rng, members)
    group, number = runs(np.full(len(logins.ts), BOOKS))
    place = np.zeros(len(world.people), dtype=np.int64)
    place[members] = np.arange(len(members))
    account = place[logins.account[group]]
    books = members[np.minimum(account + number, len(members) - 1)]
    acts = np.flatnonzero(rng.random(len(logins.ts)) < 0.4)
    rows = np.flatnonzero(np.isin(group, acts))
    ts = logins.ts[group[rows]] + 5 * MINUTE + rng.integers(0, 4 * SECOND, len(rows))
    inside = ts < world.market.end - HOUR
    rows, ts = rows[inside], ts[inside]
    instrument = world.people.favourites[logins.account[group[rows]], 0]
    usd = order_sizes(world, rng, books[rows], ts, instrument, 0.03)
    session = log_in(world, rng, books[rows], ts - 2 * MINUTE)
    side = logins.ts[group[rows]] % 2
    leverage = np.where(IS_PERP[instrument], 3.0, np.nan)
    world.flow.place(books[rows], ts, instrument, side, usd, source=APP, session=session, leverage=leverage)


def _shift_capital(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Money goes between a company's accounts in both directions."""
    since, until = world.people.since(members, world.market), np.full(len(members), world.market.end - HOUR)
    rate = np.full(len(members), 0.12)
    entry, ts = world.clock.arrivals(rng, rate, world.people.offset[members], since, until)
    place = entry // BOOKS * BOOKS + (entry + 1 + rng.integers(0, BOOKS - 1, len(entry))) % BOOKS
    is_member = (place < len(members)) & (place != entry)
    usd = world.people.wealth_usd[members[entry[is_member]]] * rng.uniform(0.02, 0.2, int(is_member.sum()))
    funds.hand_over(world, members[entry[is_member]], members[place[is_member]], ts[is_member], usd)


def recruit_copiers(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Verified people of modest means; the first of every group is the leader."""
    world.people.level[members] = 2
    world.people.created_at[members] = np.minimum(world.people.created_at[members], world.market.start - DAY)


def copy_leader(world: World, rng: np.random.Generator, members: Ints) -> None:
    """A leader trades in public; each follower's order comes from the platform 50-800 ms later."""
    live(world, rng, members, 0.2)
    for first in range(0, len(members), FOLLOWERS):
        leader, followers = members[first : first + 1], members[first + 1 : first + FOLLOWERS]
        logins = visit(world, rng, leader, 0.8)
        at = logins.ts[logins.ts < world.market.end - HOUR] + MINUTE
        perps = world.market.instruments("major", "mid", "small", product="perp")
        instrument, side = rng.choice(perps, len(at)), rng.integers(0, 2, len(at))
        size = np.full(len(at), 0.05) * world.people.wealth_usd[leader] + 50
        world.flow.place(leader.repeat(len(at)), at, instrument, side, size, source=APP, leverage=10.0)
        group, number = runs(np.full(len(at), len(followers)))
        joins = rng.random(len(group)) < 0.5
        group, follower = group[joins], followers[number[joins]]
        ts = at[group] + rng.integers(50, 800, len(group)) * (SECOND // 1000)
        usd = 0.05 * world.people.wealth_usd[follower] + 10
        world.flow.place(follower, ts, instrument[group], side[group], usd, source=COPY, leverage=10.0, ui=0)


CORPORATE = Agent(
    "corporate", 0.006, share_a_master, recruit_corporates, at_least=6, resembles="multi_account", rank=22
)
COPY_TRADER = Agent(
    "copy_trader", 0.020, copy_leader, recruit_copiers, at_least=10, resembles="position_limit_evasion", rank=23
)
