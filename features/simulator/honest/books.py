"""Honest traders whose orders look arranged: ladders, blocks between desks, desks of one firm that meet by chance."""

import numpy as np

from features.simulator.honest.agent import Agent
from features.simulator.honest.behaviours import Style, live, order_sizes, save_and_spend, trade_by_hand, visit
from features.simulator.honest.machines import approve_keys, in_lots
from features.simulator.ledger import code
from features.simulator.market.flow import API, APP, WEB
from features.simulator.market.market import FIELD, IS_PERP
from features.simulator.people.population import FAVOURITES
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Ints, runs
from features.simulator.world import World

INSTITUTION, SUB = code("accounts", "kind", "institution"), code("accounts", "kind", "sub")
DESKS = 2
"""Accounts of one proprietary firm."""


def recruit_ladders(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Verified traders of mid and small symbols."""
    people = world.people
    people.level[members] = 2
    people.favourites[members] = rng.choice(world.market.instruments("mid", "small"), (len(members), FAVOURITES))
    people.wealth_usd[members] = np.exp(rng.normal(8.6, 0.7, len(members)))


def stand_in_ladders(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Scales in by several orders on one side, cancels the rest after a while, and often fills on the other side."""
    logins = visit(world, rng, members, 1.4)
    trade_by_hand(world, rng, logins, Style(2.0, 80.0, 0.4, 0.02))
    save_and_spend(world, rng, members, 0.08, 0.05)
    chosen = np.flatnonzero((rng.random(len(logins.ts)) < 0.7) & (logins.ts < world.market.end - 3 * HOUR))
    group, number = runs(rng.integers(2, 9, len(chosen)))
    account, session = logins.account[chosen[group]], logins.session[chosen[group]]
    begin = logins.ts[chosen] + rng.integers(MINUTE, 30 * MINUTE, len(chosen))
    order_lifetime = np.exp(rng.normal(np.log(90), 1.5, len(chosen)))
    side = rng.integers(0, 2, len(chosen))
    instrument = world.people.favourites[logins.account[chosen], rng.integers(0, 2, len(chosen))]
    ts = begin[group] + number * rng.integers(SECOND, 9 * SECOND, len(group))
    where, which = instrument[group], side[group]
    bid, ask = world.market.touch(where, begin[group])
    steps, ticks = np.round(1 / FIELD["tick"][where]), (number + 1) * (1 + group % 3)
    price = np.maximum(np.where(which == 0, np.round(bid * steps) - ticks, np.round(ask * steps) + ticks), 1) / steps
    usd = world.market.depth(where, ts, which) * rng.uniform(0.01, 0.09, len(chosen))[group]
    together = rng.random(len(chosen)) < 0.6
    slack = np.where(together[group], rng.uniform(0, 1.5, len(group)), rng.uniform(0, 60, len(group)))
    world.flow.rest(
        account,
        ts,
        where,
        which,
        price,
        in_lots(usd / price, where),
        begin[group] + 80 * SECOND + ((order_lifetime[group] + slack) * SECOND).astype(np.int64),
        source=WEB,
        session=session,
        leverage=np.where(IS_PERP[where], 5.0, np.nan),
    )
    also = np.flatnonzero(rng.random(len(chosen)) < 0.35)
    moment = (
        begin[also] + 80 * SECOND + (order_lifetime[also] * rng.uniform(0.2, 0.99, len(also)) * SECOND).astype(np.int64)
    )
    who = logins.account[chosen[also]]
    usd = order_sizes(world, rng, who, moment, instrument[also], 0.02)
    geared = np.where(IS_PERP[instrument[also]], 5.0, np.nan)
    world.flow.place(who, moment, instrument[also], 1 - side[also], usd, source=WEB, leverage=geared)


def recruit_desks(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Desks of one firm, declared as a master and its sub-account."""
    people = world.people
    master = members[np.arange(len(members)) // DESKS * DESKS]
    people.owner[members] = master
    people.kind[members] = np.where(members == master, INSTITUTION, SUB)
    people.level[members] = 3
    people.created_at[members] = np.minimum(people.created_at[members], world.market.start - 60 * DAY)
    people.wealth_usd[members] = np.exp(rng.normal(9.5, 0.6, len(members)))


def trade_desks(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Each desk trades small symbols by a strategy of its own through its key; now and then two of them meet."""
    live(world, rng, members, 0.2)
    approve_keys(world, members)
    small = world.market.instruments("small")
    rate = np.full(len(members), 14.0)
    since, until = world.people.since(members, world.market), np.full(len(members), world.market.end - HOUR)
    entry, ts = world.clock.arrivals(rng, rate, np.full(len(members), 99), since, until)
    where = small[(entry // DESKS * 3 + rng.integers(0, 2, len(entry))) % len(small)]
    usd = FIELD["depth_usd"][where] * np.exp(rng.normal(-3.4, 0.8, len(entry)))
    side = rng.integers(0, 2, len(entry))
    meets = (rng.random(len(entry)) < 0.06) & (entry ^ 1 < len(members))
    bid, ask = world.market.touch(where, ts)
    key = members * 4
    world.flow.cross(
        members[(entry ^ 1)[meets]],
        members[entry[meets]],
        ts[meets],
        where[meets],
        side[meets],
        np.where(side == 0, ask, bid)[meets],
        usd[meets],
        source=API,
        leverage=np.where(IS_PERP[where[meets]], 5.0, np.nan),
        ui=0,
    )
    world.flow.place(
        members[entry[~meets]],
        ts[~meets],
        where[~meets],
        side[~meets],
        usd[~meets],
        passive=rng.random(int((~meets).sum())) < 0.5,
        source=API,
        api_key=key[entry[~meets]],
        leverage=np.where(IS_PERP[where[~meets]], 5.0, np.nan),
        ui=0,
    )


def recruit_blocks(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Wealthy verified people."""
    world.people.level[members] = 2
    world.people.wealth_usd[members] = np.exp(rng.normal(9.3, 0.7, len(members)))
    world.people.created_at[members] = np.minimum(world.people.created_at[members], world.market.start - 5 * DAY)


def agree_on_blocks(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Acquaintances who now and then sell each other a block, off the market's price, and keep what they bought."""
    live(world, rng, members, 0.9)
    small = world.market.instruments("small", "mid")
    pairs = len(members) // 2
    group, _ = runs(1 + rng.poisson(world.profile.days / 6, pairs))
    ts = rng.integers(world.market.start + DAY, world.market.end - 2 * HOUR, len(group))
    seller, swapped = members[2 * group], rng.random(len(group)) < 0.5
    buyer = members[2 * group + 1]
    where = small[group % len(small)]
    mid = world.market.mid(where, ts)
    steps = np.round(1 / FIELD["tick"][where])
    price = np.maximum(np.round(mid * (1 + rng.normal(0, 0.004, len(group))) * steps), 1) / steps
    world.flow.cross(
        np.where(swapped, buyer, seller),
        np.where(swapped, seller, buyer),
        ts,
        where,
        rng.integers(0, 2, len(group)),
        price,
        FIELD["depth_usd"][where] * rng.uniform(0.01, 0.15, len(group)),
        source=APP,
        leverage=np.where(IS_PERP[where], 5.0, np.nan),
    )


DESK = Agent("desk", 0.005, trade_desks, recruit_desks, at_least=4, resembles="wash_trading", rank=11)
BLOCK_USER = Agent("block_user", 0.008, agree_on_blocks, recruit_blocks, at_least=6, resembles="wash_trading", rank=12)
LADDER_TRADER = Agent(
    "ladder_trader", 0.020, stand_in_ladders, recruit_ladders, at_least=8, resembles="layering", rank=27
)
