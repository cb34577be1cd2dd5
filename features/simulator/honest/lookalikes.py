"""Honest accounts that resemble a violation, so that telling them apart takes more than one number."""

import numpy as np

from features.simulator import funds
from features.simulator.honest.agent import Agent
from features.simulator.honest.behaviours import (
    Style,
    away_from_touch,
    live,
    log_in,
    moments,
    order_sizes,
    save_and_spend,
    secure,
    trade_by_hand,
    visit,
)
from features.simulator.ledger import code
from features.simulator.market.flow import API, APP, BUY
from features.simulator.market.market import FIELD, IS_PERP
from features.simulator.market.matching import LOT
from features.simulator.people.network import RESIDENTIAL, Connection, connect, usual_connection
from features.simulator.people.population import FAVOURITES
from features.simulator.promotions import join_bonus
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Ints, mixed, runs
from features.simulator.world import World

INSTITUTION = code("accounts", "kind", "institution")


def recruit_pairs(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Two declared market makers on a thin symbol, unrelated to each other."""
    people = world.people
    people.created_at[members] = world.market.start - rng.integers(100 * DAY, 400 * DAY, len(members))
    people.kind[members] = INSTITUTION
    people.level[members] = 3
    people.market_maker[members] = np.arange(len(members)) % 2 == 0
    people.wealth_usd[members] = rng.uniform(2e5, 1e6, len(members))


def quote_each_other(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Makers on a thin symbol hit each other's quotes besides everybody else's; positions drift, spreads are earned."""
    live(world, rng, members, 0.1)
    small = world.market.instruments("small", product="spot")
    for pair in range(len(members) // 2):
        both = members[2 * pair : 2 * pair + 2]
        instrument = small[pair % len(small)]
        since = np.full(1, world.market.start)
        _, ts = world.clock.arrivals(rng, np.full(1, 26.0), np.full(1, 99), since, np.full(1, world.market.end - HOUR))
        size = len(ts)
        who, side = rng.integers(0, 2, size), rng.integers(0, 2, size)
        where = np.full(size, instrument)
        bid, ask = world.market.touch(where, ts)
        usd = FIELD["depth_usd"][where] * np.exp(rng.normal(-3.5, 0.9, size))
        mutual = rng.random(size) < 0.15
        world.flow.cross(
            both[who[mutual]],
            both[1 - who[mutual]],
            ts[mutual],
            where[mutual],
            side[mutual],
            np.where(side == BUY, ask, bid)[mutual],
            usd[mutual],
            source=API,
            ui=0,
        )
        world.flow.place(
            both[who[~mutual]],
            ts[~mutual],
            where[~mutual],
            side[~mutual],
            usd[~mutual],
            passive=rng.random((~mutual).sum()) < 0.7,
            source=API,
            ui=0,
        )


def rotate_credentials(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Changes password or second factor now and then from the usual device; nothing is taken."""
    live(world, rng, members)
    ts = moments(world, rng, members)
    session = log_in(world, rng, members, ts)
    words = [
        code("security_events", "event", word) for word in ("password_change", "two_factor_reset", "password_reset")
    ]
    secure(world, members, ts + 2 * MINUTE, rng.choice(words, len(members)), session_id=session)
    fumbled = np.flatnonzero(rng.random(len(members)) < 0.4)
    secure(
        world,
        np.repeat(members[fumbled], 2),
        np.repeat(ts[fumbled], 2) - np.tile([50, 90], len(fumbled)) * SECOND,
        "failed_login",
    )


def recruit_movers(world: World, rng: np.random.Generator, members: Ints) -> None:
    """People with some savings."""
    world.people.wealth_usd[members] = np.exp(rng.normal(8.3, 0.8, len(members)))


def move_house(world: World, rng: np.random.Generator, members: Ints) -> None:
    """A new phone on a new line, perhaps a new password, and within days a large withdrawal, often to a new wallet."""
    live(world, rng, members)
    people = world.people
    ts = moments(world, rng, members)
    usual = usual_connection(people, rng, members, ts)
    fresh = Connection(
        RESIDENTIAL + mixed(members, 77) % (1 << 24),
        usual.asn + 3,
        usual.asn_type,
        people.country[members],
        usual.vpn,
        5 * len(people) + members,
    )
    session = connect(world.ledger, people, members, ts, fresh)
    people.device[members] = np.where(mixed(members, 78) % 2 == 0, fresh.device, people.device[members])
    changed = rng.random(len(members)) < 0.5
    secure(world, members[changed], ts[changed] + 5 * MINUTE, "password_change", session_id=session[changed])
    wait = (rng.exponential(14.0, len(members)) * HOUR).astype(np.int64) + 20 * MINUTE
    at = np.minimum(ts + wait, world.market.end - HOUR)
    own = changed | (rng.random(len(members)) < 0.2)
    address = np.where(own, funds.own_address(members, 1), funds.fresh_addresses(world, len(members)))
    secure(world, members[~own], at[~own] - 15 * MINUTE, "withdrawal_address_added", address=address[~own])
    usd = people.wealth_usd[members] * rng.uniform(0.4, 0.9, len(members))
    funds.withdraw(world, members, at, usd, funds.SELF_HOSTED, address)


def recruit_followers(world: World, rng: np.random.Generator, members: Ints) -> None:
    """An influencer's first member brings the others within days; devices and lines are their own."""
    people = world.people
    leader, rest = members[0], members[1:]
    people.created_at[leader] = min(int(people.created_at[leader]), world.market.start - 90 * DAY)
    begin = world.market.start + (world.market.end - world.market.start) // 4
    people.created_at[rest] = begin + (rng.exponential(1.2, len(rest)) * DAY).astype(np.int64)
    np.minimum(people.created_at, world.market.end - 2 * DAY, out=people.created_at)
    people.referrer[rest] = leader
    people.level[members] = 2
    people.wealth_usd[rest] = 90 + np.exp(rng.normal(4.2, 0.6, len(rest)))


def follow_influencer(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Signed up for the bonus, deposits near the minimum, and stays to trade."""
    live(world, rng, members, 0.7)
    since = world.people.since(members[1:], world.market) + HOUR
    join_bonus(world, rng, members[1:], since, np.round(world.people.wealth_usd[members[1:]]))


def recruit_nervous(world: World, rng: np.random.Generator, members: Ints) -> None:
    """People whose fortune is large for the symbols they like."""
    world.people.level[members] = 2
    world.people.wealth_usd[members] = np.exp(rng.normal(10.0, 0.7, len(members)))
    mids = world.market.instruments("mid", "small")
    world.people.favourites[members] = rng.choice(mids, (len(members), FAVOURITES))


def pull_large_orders(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Large limit orders on one side, withdrawn in panic or after a while; now and then a fill on the other side."""
    logins = visit(world, rng, members, 2.0)
    trade_by_hand(world, rng, logins, Style(4.0, 60.0, 0.4, 0.01))
    save_and_spend(world, rng, members, 0.05, 0.04)
    group, _ = runs(rng.poisson(1.3, len(logins.ts)))
    account = logins.account[group]
    ts = logins.ts[group] + rng.integers(MINUTE, 40 * MINUTE, len(group))
    keep = ts < world.market.end - HOUR
    account, ts = account[keep], ts[keep]
    session = logins.session[group][keep]
    size = len(account)
    instrument = world.people.favourites[account, 0]
    side = rng.integers(0, 2, size)
    price = away_from_touch(world, rng, instrument, ts, side)
    usd = world.market.depth(instrument, ts, side) * rng.uniform(0.1, 0.6, size)
    life = np.exp(rng.normal(np.log(25), 1.0, size))
    world.flow.rest(
        account,
        ts,
        instrument,
        side,
        price,
        np.maximum(np.round(usd / price / LOT[instrument]), 1) * LOT[instrument],
        ts + (life * SECOND).astype(np.int64),
        source=APP,
        session=session,
        leverage=np.where(IS_PERP[instrument], 5.0, np.nan),
    )
    also = np.flatnonzero(rng.random(size) < 0.3)
    world.flow.place(
        account[also],
        ts[also] + 4 * SECOND,
        instrument[also],
        1 - side[also],
        order_sizes(world, rng, account[also], ts[also], instrument[also], 0.01),
        source=APP,
        session=session[also],
    )


def recruit_crowd(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Verified futures users, some of them colleagues behind one address."""
    world.people.level[members] = 2
    world.people.office[members[: len(members) // 2]] = 3_000


def react_to_news(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Ordinary users who all open the same perpetual within seconds of a headline, each at a size of their own."""
    live(world, rng, members)
    perps = world.market.instruments("small", "mid", product="perp")
    for _ in range(max(2, world.profile.days // 6)):
        moment = int(rng.integers(world.market.start + DAY, world.market.end - DAY))
        here = members[(world.people.created_at[members] < moment - DAY) & (rng.random(len(members)) < 0.6)]
        session = log_in(world, rng, here, moment - rng.integers(MINUTE, 6 * HOUR, len(here)))
        ts = moment + (rng.exponential(9.0, len(here)) * SECOND).astype(np.int64)
        instrument = np.full(len(here), rng.choice(perps))
        usd = order_sizes(world, rng, here, ts, instrument, 0.2)
        world.flow.place(
            here,
            ts,
            instrument,
            np.full(len(here), int(rng.integers(0, 2))),
            usd,
            source=APP,
            session=session,
            leverage=10.0,
        )


def travel(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Log-ins from another country 8 to 14 hours after one at home."""
    live(world, rng, members)
    ts = moments(world, rng, members)
    log_in(world, rng, members, ts)
    usual = usual_connection(world.people, rng, members, ts)
    abroad = rng.integers(0, 18, len(members))
    flown = Connection(
        RESIDENTIAL + mixed(members, 79) % (1 << 24),
        64512 + abroad * 4,
        np.zeros(len(members), dtype=np.int64),
        abroad,
        np.zeros(len(members), dtype=np.int64),
        usual.device,
    )
    for days in (0, 1, 2):
        at = ts + rng.integers(8 * HOUR, 14 * HOUR, len(members)) + days * DAY
        inside = np.flatnonzero(at < world.market.end)
        part = Connection(
            *(getattr(flown, name)[inside] for name in ("ip", "asn", "asn_type", "country", "vpn", "device"))
        )
        connect(world.ledger, world.people, members[inside], at[inside], part)


THIN_MARKET_PAIR = Agent(
    "thin_market_pair", 0.002, quote_each_other, recruit_pairs, at_least=4, resembles="wash_trading", rank=10
)
CREDENTIAL_ROTATOR = Agent(
    "credential_rotator", 0.012, rotate_credentials, at_least=6, resembles="account_takeover", rank=13
)
NEW_PHONE = Agent("new_phone", 0.012, move_house, recruit_movers, at_least=6, resembles="account_takeover", rank=14)
REFERRAL_WAVE = Agent(
    "referral_wave",
    0.010,
    follow_influencer,
    recruit_followers,
    at_least=10,
    resembles="multi_account",
    scripted=True,
    rank=24,
)
NERVOUS_TRADER = Agent(
    "nervous_trader", 0.010, pull_large_orders, recruit_nervous, at_least=6, resembles="spoofing", rank=26
)
NEWS_CROWD = Agent(
    "news_crowd", 0.010, react_to_news, recruit_crowd, at_least=10, resembles="position_limit_evasion", rank=28
)
TRAVELLER = Agent("traveller", 0.010, travel, at_least=4, rank=36)
