"""Honest people with unusual money: round limits, many clients, a return after years, coins with a past."""

import numpy as np

from features.simulator import funds
from features.simulator.honest.agent import Agent
from features.simulator.honest.behaviours import live, log_in, secure
from features.simulator.ledger import code
from features.simulator.vectors import DAY, HOUR, MINUTE, NONE, Floats, Ints, runs
from features.simulator.world import World

SUGGESTED = np.array([900.0, 950.0, 990.0, 999.0, 1_000.0, 2_500.0, 2_900.0, 2_999.0, 3_000.0, 9_500.0])
"""Amounts that forms, cards and banks suggest, many of them just below a limit."""


def recruit_savers(world: World, rng: np.random.Generator, members: Ints) -> None:
    """People with some income."""
    world.people.wealth_usd[members] = np.exp(rng.normal(8.2, 0.8, len(members)))


def save_by_the_form(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Salaries and savings in the amounts that the form suggests, several a week, some of it out again."""
    live(world, rng, members, 0.7)
    entry, day = _days(world, rng, members, 0.13)
    group, number = runs(rng.integers(1, 5, len(day)))
    account = members[entry[group]]
    ts = day[group] + number * rng.integers(20 * MINUTE, 20 * HOUR, len(group))
    inside = ts < world.market.end - HOUR
    account, ts = account[inside], ts[inside]
    choice: Floats = SUGGESTED[np.minimum(rng.integers(0, 10, len(account)), 3 + account % 7)]
    origin = rng.choice([funds.BANK, funds.P2P, funds.EXCHANGE], len(account), p=[0.5, 0.2, 0.3])
    hot = (account * 7) % funds.HOT_WALLETS
    funds.deposit(world, account, ts, choice, origin, np.where(origin == funds.EXCHANGE, hot, NONE))
    leaves = np.flatnonzero(rng.random(len(day)) < 0.35)
    at = np.minimum(day[leaves] + rng.integers(6 * HOUR, 60 * HOUR, len(leaves)), world.market.end - MINUTE)
    who = members[entry[leaves]]
    funds.withdraw(world, who, at, rng.choice(SUGGESTED[:7], len(leaves)), funds.SELF_HOSTED, funds.own_address(who))


def be_paid_by_clients(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Freelancers: a few clients pay in coins within a day or two, and most of it goes to the bank or a wallet."""
    live(world, rng, members, 0.3)
    entry, day = _days(world, rng, members, 0.16)
    group, number = runs(1 + rng.poisson(2.2, len(day)))
    account = members[entry[group]]
    ts = np.minimum(day[group] + number * rng.integers(MINUTE, 9 * HOUR, len(group)), world.market.end - 2 * HOUR)
    usd = np.round(rng.lognormal(6.0, 0.8, len(group)), 2)
    client = funds.own_address((account * 31 + rng.integers(0, 9, len(group))) % len(world.people), 3)
    source = np.where(rng.random(len(group)) < 0.4, funds.fresh_addresses(world, len(group)), client)
    funds.deposit(world, account, ts, usd, funds.SELF_HOSTED, source)
    total = np.bincount(group, usd, len(day)) * rng.uniform(0.5, 1.0, len(day))
    last = np.zeros(len(day), dtype=np.int64)
    np.maximum.at(last, group, ts)
    at = last + (np.exp(rng.normal(np.log(9), 1.0, len(day))) * HOUR).astype(np.int64) + 2 * HOUR
    goes = np.flatnonzero((at < world.market.end - MINUTE) & (rng.random(len(day)) < 0.85))
    who, bank = members[entry[goes]], rng.random(len(goes)) < 0.4
    address = np.where(bank, NONE, funds.own_address(who, 1))
    funds.withdraw(world, who, at[goes], total[goes], np.where(bank, funds.BANK, funds.SELF_HOSTED), address)


def recruit_dormant(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Customers of the first hour who have forgotten about it."""
    world.people.created_at[members] = world.market.start - rng.integers(250 * DAY, 600 * DAY, len(members))
    world.people.wealth_usd[members] = np.exp(rng.normal(8.4, 1.0, len(members)))


def wake_up(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Nothing for months; then a log-in, perhaps a deposit, and much of what is there goes out within days."""
    span = world.market.end - world.market.start
    ts = world.market.start + (span * rng.uniform(0.1, 0.85, len(members))).astype(np.int64)
    log_in(world, rng, members, ts)
    adds = np.flatnonzero(rng.random(len(members)) < 0.5)
    origin = rng.choice([funds.SELF_HOSTED, funds.BANK], len(adds))
    usd = world.people.wealth_usd[members[adds]] * rng.uniform(0.1, 0.8, len(adds))
    funds.deposit(world, members[adds], ts[adds] + HOUR, usd, origin)
    forgot = np.flatnonzero(rng.random(len(members)) < 0.6)
    secure(world, members[forgot], ts[forgot] + 3 * MINUTE, "password_reset")
    at = ts + (np.exp(rng.normal(np.log(20), 1.0, len(members))) * HOUR).astype(np.int64) + 3 * HOUR
    goes = np.flatnonzero(at < world.market.end - HOUR)
    share = rng.uniform(0.2, 0.9, len(goes))
    account = members[goes]
    usd = world.people.wealth_usd[account] * share
    funds.withdraw(world, account, at[goes], usd, funds.SELF_HOSTED, funds.own_address(account))


def receive_downstream(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Innocent buyers: coins that were stolen three hops before make up a small part of what comes in."""
    live(world, rng, members, 0.8)
    entry, ts = _days(world, rng, members, 0.1)
    account = members[entry]
    usd = np.exp(rng.normal(6.0, 0.8, len(ts)))
    words = [code("transfers", "risk_category", word) for word in ("hack", "scam", "darknet", "none")]
    funds.deposit(
        world,
        account,
        ts,
        usd,
        funds.SELF_HOSTED,
        risk_category=rng.choice(words, len(ts)),
        taint_indirect=rng.uniform(0.005, 0.07, len(ts)),
        hops=rng.integers(3, 6, len(ts)),
    )


def _days(world: World, rng: np.random.Generator, members: Ints, per_day: float) -> tuple[Ints, Ints]:
    since, until = world.people.since(members, world.market), np.full(len(members), world.market.end - 2 * DAY)
    return world.clock.arrivals(rng, np.full(len(members), per_day), world.people.offset[members], since, until)


FREELANCER = Agent(
    "freelancer", 0.015, be_paid_by_clients, recruit_savers, at_least=4, resembles="money_laundering", rank=18
)
FORM_SAVER = Agent(
    "form_saver", 0.015, save_by_the_form, recruit_savers, at_least=4, resembles="money_laundering", rank=19
)
RETURNING_DORMANT = Agent(
    "returning_sleeper", 0.010, wake_up, recruit_dormant, at_least=4, resembles="money_laundering", rank=20
)
DOWNSTREAM_BUYER = Agent("downstream_buyer", 0.004, receive_downstream, at_least=3, resembles="illicit_assets", rank=21)
