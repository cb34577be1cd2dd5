"""Honest accounts through which much money passes: merchants, sellers to persons, arbitrageurs."""

import numpy as np

from features.simulator import funds
from features.simulator.honest.agent import Agent
from features.simulator.honest.behaviours import Style, live, log_in, trade_by_hand, visit
from features.simulator.honest.lookalikes import recruit_movers
from features.simulator.ledger import code
from features.simulator.market.market import IS_PERP
from features.simulator.vectors import DAY, HOUR, MINUTE, NONE, Ints, runs
from features.simulator.world import World

INSTITUTION = code("accounts", "kind", "institution")


def recruit_merchants(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Declared businesses, verified as such; some only as persons."""
    world.people.kind[members] = np.where(rng.random(len(members)) < 0.6, INSTITUTION, 0)
    world.people.level[members] = np.where(world.people.kind[members] == INSTITUTION, 3, 2)
    world.people.wealth_usd[members] = np.exp(rng.normal(9.0, 0.7, len(members)))


def pay_out(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Many payments in from many senders and nearly all of it out again the same day; hardly any trading."""
    live(world, rng, members, 0.1)
    since, until = world.people.since(members, world.market), np.full(len(members), world.market.end - DAY)
    entry, day = world.clock.arrivals(rng, np.full(len(members), 0.45), world.people.offset[members], since, until)
    group, _ = runs(rng.integers(3, 12, len(day)))
    account = members[entry]
    ts = day[group] + (rng.random(len(group)) * 8 * HOUR).astype(np.int64)
    usd = np.exp(rng.normal(6.6, 0.8, len(group)))
    usd = np.where(rng.random(len(group)) < 0.3, rng.choice([900, 950, 980, 1_000, 2_900, 3_000], len(group)), usd)
    origin = rng.choice([funds.BANK, funds.P2P, funds.SELF_HOSTED], len(group), p=[0.4, 0.3, 0.3])
    sender = np.where(origin == funds.SELF_HOSTED, funds.fresh_addresses(world, len(group)), NONE)
    funds.deposit(world, account[group], ts, usd, origin, sender)
    total = np.bincount(group, usd, len(day)) * rng.uniform(0.85, 0.99, len(day))
    supplier = funds.own_address(account, 2)
    funds.withdraw(world, account, day + 9 * HOUR, total, funds.SELF_HOSTED, supplier)


def sell_to_persons(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Private sellers: payments from many persons, often just below the form's limit, and most of it out again."""
    live(world, rng, members, 0.5)
    since, until = world.people.since(members, world.market), np.full(len(members), world.market.end - 2 * DAY)
    entry, day = world.clock.arrivals(rng, np.full(len(members), 0.2), world.people.offset[members], since, until)
    group, _ = runs(rng.integers(2, 8, len(day)))
    cap = np.array([1_000.0, 3_000.0, 10_000.0])[members[entry] % 3][group]
    close = rng.random(len(group)) < 0.6
    usd = np.round(cap * np.where(close, rng.uniform(0.75, 1.0, len(group)), rng.uniform(0.1, 1.2, len(group))), 2)
    ts = day[group] + (rng.random(len(group)) * 10 * HOUR).astype(np.int64)
    origin = rng.choice([funds.P2P, funds.BANK, funds.SELF_HOSTED], len(group), p=[0.5, 0.2, 0.3])
    wallet = origin == funds.SELF_HOSTED
    source = np.where(wallet, funds.fresh_addresses(world, len(group)), NONE)
    match = np.where(wallet, NONE, (rng.random(len(group)) < 0.6).astype(np.int64))
    funds.deposit(world, members[entry[group]], ts, usd, origin, source, fiat_name_match=match)
    leaves = np.flatnonzero(rng.random(len(day)) < 0.8)
    total = np.bincount(group, usd, len(day))[leaves] * rng.uniform(0.7, 1.0, len(leaves))
    account, at = members[entry[leaves]], day[leaves] + rng.integers(10 * HOUR, 30 * HOUR, len(leaves))
    own = funds.own_address(account, 1)
    fresh = np.where(rng.random(len(leaves)) < 0.3, funds.fresh_addresses(world, len(leaves)), own)
    funds.withdraw(world, account, at, total, funds.SELF_HOSTED, fresh)


def arbitrate(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Moves the same money in from one known exchange and out to another within hours, trading in between."""
    live(world, rng, members, 1.0)
    since, until = world.people.since(members, world.market), np.full(len(members), world.market.end - DAY)
    entry, ts = world.clock.arrivals(rng, np.full(len(members), 0.5), world.people.offset[members], since, until)
    account = members[entry]
    usd = world.people.wealth_usd[account] * rng.uniform(0.2, 0.8, len(account))
    funds.deposit(world, account, ts, usd, funds.EXCHANGE)
    session = log_in(world, rng, account, ts + 10 * MINUTE)
    instrument = world.people.favourites[account, 1]
    leverage = np.where(IS_PERP[instrument], 2.0, np.nan)
    part = np.minimum(usd, 0.3 * world.market.depth(instrument, ts, np.zeros(len(ts), dtype=np.int64)))
    world.flow.place(
        account, ts + 12 * MINUTE, instrument, rng.integers(0, 2, len(ts)), part, session=session, leverage=leverage
    )
    back = ts + rng.integers(HOUR, 12 * HOUR, len(ts))
    funds.withdraw(
        world, account, back, usd * rng.uniform(0.97, 1.01, len(ts)), funds.EXCHANGE, funds.own_address(account, 3)
    )
    trade_by_hand(world, rng, visit(world, rng, members, 0.5), Style(2.0))


MERCHANT = Agent("merchant", 0.006, pay_out, recruit_merchants, at_least=4, resembles="money_laundering", rank=15)
P2P_SELLER = Agent(
    "p2p_seller", 0.012, sell_to_persons, recruit_movers, at_least=4, resembles="money_laundering", rank=16
)
ARBITRAGEUR = Agent("arbitrageur", 0.012, arbitrate, recruit_movers, at_least=4, resembles="money_laundering", rank=17)
