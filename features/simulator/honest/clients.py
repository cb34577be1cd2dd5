"""Honest people whose programs, keys or connections make their orders look machine-made or excessive."""

import numpy as np

from features.simulator.honest.agent import Agent
from features.simulator.honest.behaviours import (
    Style,
    away_from_touch,
    live,
    log_in,
    save_and_spend,
    trade_by_hand,
    visit,
)
from features.simulator.honest.machines import approve_keys, in_lots
from features.simulator.market.flow import API, APP, WEB
from features.simulator.market.market import FIELD, IS_PERP
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Ints, runs
from features.simulator.world import World


def recruit_keyed(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Verified users of programs."""
    world.people.level[members] = 2
    world.people.wealth_usd[members] = np.exp(rng.normal(8.3, 0.8, len(members)))


def trade_by_hotkey(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Day traders with fixed sizes on hotkeys, up half the night; the page misses some of the keys they press."""
    logins = visit(world, rng, members, 3.5)
    trade_by_hand(world, rng, logins, Style(2.0, 100.0, 0.3, 0.05, turns=True))
    save_and_spend(world, rng, members, 0.09, 0.07)
    inside = np.flatnonzero(logins.ts < world.market.end - 6 * HOUR)
    group, number = runs(rng.poisson(35.0 / world.profile.rate_divisor, len(inside)))
    account, first = logins.account[inside[group]], logins.ts[inside[group]]
    rhythm = 40.0 * (1 + account % 23)
    ts = first + ((number + 1) * rhythm * rng.lognormal(0, 0.15, len(group)) * SECOND).astype(np.int64)
    ts = np.minimum(ts, world.market.end - HOUR)
    where = world.people.favourites[account, 0]
    missed = np.array([0.04, 0.3, 0.6, 0.97])[account % 4]
    world.flow.place(
        account,
        ts,
        where,
        rng.integers(0, 2, len(group)),
        0.03 * world.people.wealth_usd[account] + 10,
        source=np.where(account % 3 == 0, WEB, APP),
        session=logins.session[inside[group]],
        leverage=np.where(IS_PERP[where], 5.0, np.nan),
        ui=(rng.random(len(group)) >= missed).astype(np.int64),
    )


def lose_connection(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Keeps tens of orders in the book through an approved key; when the line breaks all are cancelled at once."""
    live(world, rng, members, 0.5)
    approve_keys(world, members)
    per_day = np.full(len(members), 0.5)
    since, until = world.people.since(members, world.market), np.full(len(members), world.market.end - 4 * HOUR)
    entry, begin = world.clock.arrivals(rng, per_day, np.full(len(members), 99), since, until)
    log_in(world, rng, members[entry], begin, "api")
    group, _ = runs(rng.integers(12, 110, len(entry)))
    lost = begin + rng.integers(2 * MINUTE, 3 * HOUR, len(entry))
    ts = begin[group] + MINUTE + (rng.random(len(group)) * (lost - begin - MINUTE)[group]).astype(np.int64)
    cancelled_at = lost[group] + rng.integers(0, SECOND, len(group))
    _rest(world, rng, members[entry[group]], ts, cancelled_at)


def run_wild(world: World, rng: np.random.Generator, members: Ints) -> None:
    """A faulty client: on a day or two it sends and withdraws orders for minutes or hours, many of them malformed."""
    live(world, rng, members, 0.7)
    approve_keys(world, members)
    times, _ = runs(1 + rng.poisson(world.profile.days / 20, len(members)))
    since = world.people.since(members[times], world.market)
    room = np.maximum(world.market.end - 8 * HOUR - since, HOUR)
    begin = since + (rng.random(len(times)) * room).astype(np.int64)
    log_in(world, rng, members[times], begin, "api")
    group, _ = runs(np.exp(rng.uniform(np.log(20), np.log(700), len(times))).astype(np.int64))
    longest = np.exp(rng.uniform(np.log(40), np.log(5 * 3600), len(times)))
    ts = begin[group] + (rng.random(len(group)) * longest[group] * SECOND).astype(np.int64)
    account = members[times[group]]
    refused = rng.random(len(group)) < 0.4
    life = (rng.exponential(3.0, len(group)) + 1.2) * SECOND
    _rest(world, rng, account[~refused], ts[~refused], (ts + life.astype(np.int64))[~refused])
    _rest(world, rng, account[refused], ts[refused], ts[refused], refused=True)


def mistype(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Anybody's order is refused now and then: too small, too large, beyond what the account holds."""
    since, until = world.people.since(members, world.market), np.full(len(members), world.market.end - DAY)
    entry, ts = world.clock.arrivals(rng, np.full(len(members), 0.03), world.people.offset[members], since, until)
    account = members[entry]
    where, side = world.people.favourites[account, 0], rng.integers(0, 2, len(ts))
    price = away_from_touch(world, rng, where, ts, side)
    usd = rng.lognormal(np.log(80), 1.5, len(ts))
    world.flow.rest(account, ts, where, side, price, in_lots(usd / price, where), ts, source=APP, refused=True)


def _rest(
    world: World, rng: np.random.Generator, account: Ints, ts: Ints, cancelled_at: Ints, *, refused: bool = False
) -> None:
    size = len(account)
    where = world.people.favourites[account, 0]
    side = rng.integers(0, 2, size)
    price = away_from_touch(world, rng, where, ts, side)
    usd = FIELD["depth_usd"][where] * rng.uniform(0.0005, 0.006, size)
    world.flow.rest(
        account,
        ts,
        where,
        side,
        price,
        in_lots(usd / price, where),
        cancelled_at,
        source=API,
        api_key=account * 4,
        leverage=np.where(IS_PERP[where], 5.0, np.nan),
        ui=0,
        refused=refused,
    )


HOTKEY_TRADER = Agent(
    "hotkey_trader", 0.020, trade_by_hotkey, recruit_keyed, at_least=8, resembles="unauthorised_automation", rank=31
)
LOST_CONNECTION = Agent(
    "lost_connection", 0.024, lose_connection, recruit_keyed, at_least=4, resembles="excessive_orders", rank=32
)
FAULTY_CLIENT = Agent(
    "faulty_client", 0.018, run_wild, recruit_keyed, at_least=4, resembles="excessive_orders", rank=33
)
