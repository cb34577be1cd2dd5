"""Honest people near what counts against others: banned relatives, campuses, a slow desk, listed countries."""

import numpy as np

from features.simulator.honest.agent import Agent
from features.simulator.honest.behaviours import Style, live, moments, trade_by_hand, visit
from features.simulator.market.flow import APP
from features.simulator.people.network import RESIDENTIAL, Connection, connect, country_number
from features.simulator.people.population import FAVOURITES
from features.simulator.promotions import join_bonus
from features.simulator.vectors import DAY, HOUR, MINUTE, Bools, Ints, mixed, runs
from features.simulator.violators.reentry import BANNED, ban
from features.simulator.world import World

RELATIVES = 3
"""People of one household, the banned one among them."""


def recruit_relatives(world: World, rng: np.random.Generator, members: Ints) -> None:
    """A household on one line; some use the phone that the banned one used."""
    people = world.people
    head = members[np.arange(len(members)) // RELATIVES * RELATIVES]
    people.home[members], people.country[members] = head, people.country[head]
    people.offset[members] = people.offset[head]
    lent = rng.random(len(members)) < 0.5
    people.device[members[lent]] = people.device[head[lent]]
    people.created_at[head] = np.minimum(people.created_at[head], world.market.start - 30 * DAY)
    for account in np.unique(head).tolist():
        people.agent[account] = BANNED
        world.truth.look_alikes.pop(account)


def live_beside_the_banned(world: World, rng: np.random.Generator, members: Ints) -> None:
    """One of the household was excluded before the run or early in it; the others trade on as themselves."""
    heads = members[::RELATIVES]
    others = np.setdiff1d(members, heads)
    ts = world.market.start + rng.integers(-20 * DAY, world.market.end - world.market.start - 5 * DAY, len(heads))
    for head, moment in zip(heads.tolist(), ts.tolist(), strict=True):
        ban(world, head, max(moment, int(world.people.created_at[head]) + DAY))
    before = np.flatnonzero(ts > world.market.start + DAY)
    logins = visit(world, rng, heads[before], 0.6, until=ts[before])
    trade_by_hand(world, rng, logins, Style(1.0))
    live(world, rng, others, 0.9)


def recruit_students(world: World, rng: np.random.Generator, members: Ints) -> None:
    """A campus: sign-ups within some days, behind a few addresses, some on the computer of the library."""
    people, size = world.people, len(members)
    late = rng.random(size) < 0.7
    begin = world.market.start + int(0.15 * (world.market.end - world.market.start))
    wave = (np.arange(size) // 6) * 2 * DAY + rng.integers(0, 3 * DAY, size)
    people.created_at[members[late]] = np.minimum(begin + wave[late], world.market.end - 4 * DAY)
    people.office[members] = 4_000 + np.arange(size) // 12
    people.level[members] = 2
    people.wealth_usd[members] = np.exp(rng.normal(5.2, 0.8, size))
    library = np.flatnonzero(rng.random(size) < 0.3)
    people.device[members[library]] = people.device[members[library // 6 * 6]]
    friend = members[np.arange(size) // 6 * 6]
    referred = (rng.random(size) < 0.6) & (friend != members) & (people.created_at[friend] < people.created_at[members])
    people.referrer[members[referred]] = friend[referred]


def study(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Takes the bonus near the minimum; most trade a little on, and some never come back."""
    stays = rng.random(len(members)) < 0.65
    live(world, rng, members[stays], 0.5)
    new = members[world.people.created_at[members] >= world.market.start]
    usd = 100.0 + np.where(rng.random(len(new)) < 0.55, 0.0, np.round(rng.exponential(25.0, len(new))))
    join_bonus(world, rng, new, world.people.created_at[new] + 2 * HOUR, usd)


def recruit_backlog(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Newcomers whose advanced verification lies at the exchange's own desk for days; they trade spot meanwhile."""
    people = world.people
    span = world.market.end - world.market.start
    people.created_at[members] = world.market.start + (span * rng.uniform(0.0, 0.7, len(members))).astype(np.int64)
    people.level[members] = 2
    people.backlog[members] = rng.integers(DAY, 9 * DAY, len(members))
    spot = world.market.instruments("major", "mid", product="spot")
    people.favourites[members] = rng.choice(spot, (len(members), FAVOURITES))


def wait_for_the_desk(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Lives like anybody with primary verification."""
    live(world, rng, members, 0.9)


def travel_to_listed(world: World, rng: np.random.Generator, members: Ints) -> None:
    """A stay of days in a country under enhanced due diligence, with a few log-ins and orders, or a wrong location."""
    live(world, rng, members, 0.9)
    begin = moments(world, rng, members)
    group, _ = runs(1 + rng.poisson(0.9, len(members)))
    account = members[group]
    ts = np.minimum(begin[group] + rng.integers(0, 3 * DAY, len(group)), world.market.end - HOUR)
    mistaken: Bools = mixed(account, 98) % 5 == 0
    country = np.where(mistaken, country_number("IR"), country_number("MM"))
    first = np.unique(group, return_index=True)[1]
    is_real = ~mistaken | np.isin(np.arange(len(group)), first)
    group, account, ts, country = group[is_real], account[is_real], ts[is_real], country[is_real]
    zero = np.zeros(len(account), dtype=np.int64)
    line = Connection(
        RESIDENTIAL + mixed(account, 97) % (1 << 24),
        zero + 64512 + 991,
        zero,
        country,
        zero,
        world.people.device[account],
    )
    session = connect(world.ledger, world.people, account, ts, line)
    spot = world.market.instruments("major", product="spot")
    trades = np.flatnonzero(rng.random(len(account)) < 0.5)
    size = len(trades)
    world.flow.place(
        account[trades],
        ts[trades] + 2 * MINUTE,
        rng.choice(spot, size),
        rng.integers(0, 2, size),
        rng.uniform(20, 300, size),
        source=APP,
        session=session[trades],
    )


CAMPUS = Agent("campus", 0.015, study, recruit_students, at_least=12, resembles="multi_account", rank=25)
BANNED_HOUSEHOLD = Agent(
    "banned_household",
    0.006,
    live_beside_the_banned,
    recruit_relatives,
    at_least=6,
    resembles="banned_reentry",
    rank=34,
)
BACKLOG = Agent("backlog", 0.006, wait_for_the_desk, recruit_backlog, at_least=4, resembles="kyc_gate", rank=35)
EDD_TRAVELLER = Agent(
    "edd_traveller", 0.005, travel_to_listed, at_least=4, resembles="restricted_jurisdiction", rank=37
)
