"""Honest accounts run by programs: market makers who quote both sides, and quants with approved keys."""

import numpy as np

from features.simulator.honest.agent import Agent
from features.simulator.honest.behaviours import order_sizes
from features.simulator.ledger import code
from features.simulator.market.flow import API
from features.simulator.market.market import FIELD, IS_PERP
from features.simulator.market.matching import LOT
from features.simulator.people.intensity import ALWAYS
from features.simulator.people.network import connect, server_connection
from features.simulator.people.population import FAVOURITES
from features.simulator.vectors import DAY, SECOND, Floats, Ints
from features.simulator.world import World

INSTITUTION, SUB = code("accounts", "kind", "institution"), code("accounts", "kind", "sub")
DESK = 3
"""Accounts of one market maker: a master and its sub-accounts on one server."""


def recruit_makers(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Market makers are old institutions with an agreement; some accounts of a desk are not on the allow-list."""
    people = world.people
    people.created_at[members] = world.market.start - rng.integers(200 * DAY, 500 * DAY, len(members))
    master = members[np.arange(len(members)) // DESK * DESK]
    people.owner[members] = master
    people.kind[members] = np.where(members == master, INSTITUTION, SUB)
    people.market_maker[members] = np.arange(len(members)) % 4 != 3
    people.level[members] = 3
    people.wealth_usd[members] = rng.uniform(3e6, 2e7, len(members))


def make_markets(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Two-sided quotes on every instrument, cancelled within seconds when nothing hit them (those hit: `matching`)."""
    _serve(world, rng, members, sessions_per_day=4.0)
    pairs = world.profile.idle_quotes // 2
    ts = world.clock.moments(
        rng, np.full(pairs, ALWAYS), np.full(pairs, world.market.start), np.full(pairs, world.market.end - 60 * SECOND)
    )
    instrument = rng.choice(len(IS_PERP), pairs, p=np.sqrt(FIELD["weight"]) / np.sqrt(FIELD["weight"]).sum())
    open_now = ts >= world.market.opens_at[instrument]
    ts, instrument = ts[open_now], instrument[open_now]
    maker = members[rng.integers(0, len(members), len(ts))]
    bid, ask = world.market.touch(instrument, ts)
    steps = np.round(1 / FIELD["tick"][instrument])
    level = rng.geometric(0.35, len(ts))
    value = FIELD["depth_usd"][instrument] * np.exp(rng.normal(-3.2, 0.5, len(ts)))
    life = (rng.exponential(6.0, len(ts)) * SECOND).astype(np.int64) + SECOND // 5
    for side, touch, sign in ((0, bid, -1), (1, ask, 1)):
        price = np.maximum(np.round(touch * steps) + sign * level, 1) / steps
        world.flow.rest(
            maker,
            ts + side * rng.integers(0, 3_000, len(ts)),
            instrument,
            np.full(len(ts), side),
            price,
            in_lots(value * rng.uniform(0.8, 1.25, len(ts)) / price, instrument),
            ts + 3_000 + life,
            source=API,
            api_key=maker * 4,
            ui=0,
        )


def recruit_quants(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Quants are verified and better funded."""
    world.people.level[members] = np.maximum(world.people.level[members], 2)
    world.people.wealth_usd[members] = np.exp(rng.normal(10.0, 0.9, len(members)))


def trade_by_program(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Orders through an approved key around the clock, most of them resting for seconds only."""
    _serve(world, rng, members, sessions_per_day=1.5)
    people = world.people
    rate = 450.0 / world.profile.rate_divisor * np.minimum(people.activity[members] ** 0.6, 8)
    since = people.since(members, world.market)
    until = np.full(len(members), world.market.end - 60 * SECOND)
    entry, ts = world.interest.arrivals(rng, members, rate, np.full(len(members), ALWAYS), since, until)
    account = members[entry]
    instrument = people.favourites[account, rng.integers(0, FAVOURITES, len(account))]
    world.flow.place(
        account,
        ts,
        instrument,
        rng.integers(0, 2, len(account)),
        order_sizes(world, rng, account, ts, instrument, 0.03, world.interest.of(account, ts)),
        passive=rng.random(len(account)) < 0.6 + 0.3 * (account % 5 / 5),
        source=API,
        api_key=account * 4,
        leverage=np.where(IS_PERP[instrument], 5.0, np.nan),
        ui=0,
    )


def in_lots(quantity: Floats, instrument: Ints) -> Floats:
    """Quantities rounded to lots, at least one."""
    return np.asarray(np.maximum(np.round(quantity / LOT[instrument]), 1) * LOT[instrument])


def approve_keys(world: World, members: Ints) -> None:
    """The exchange approves a key for each member's programs, a day after sign-up or long before the run."""
    people = world.people
    since = people.since(members, world.market)
    approved = np.maximum(people.created_at[members] + DAY, since - 100 * DAY)
    world.ledger.emit(
        "api_keys",
        len(members),
        api_key_id=members * 4,
        account_id=members,
        ts=np.minimum(approved, since),
        event="approved",
        scope=np.where(people.market_maker[members], "trade,market_making", "trade"),
    )


def _serve(world: World, rng: np.random.Generator, members: Ints, sessions_per_day: float) -> None:
    approve_keys(world, members)
    people = world.people
    since = people.since(members, world.market)
    always = np.full(len(members), ALWAYS)
    until = np.full(len(members), world.market.end)
    entry, ts = world.clock.arrivals(rng, np.full(len(members), sessions_per_day), always, since, until)
    connect(world.ledger, people, members[entry], ts, server_connection(people, members[entry]), "api")


API_QUANT = Agent("api_quant", 0.025, trade_by_program, recruit_quants, rank=8)
MARKET_MAKER = Agent("market_maker", 0.002, make_markets, recruit_makers, at_least=6, rank=9)
