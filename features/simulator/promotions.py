"""Sign-ups and what the exchange gives away: the welcome bonus and the trading competition, with who takes part."""

import numpy as np

from features.simulator import funds
from features.simulator.honest.behaviours import log_in
from features.simulator.ledger import Values
from features.simulator.market.flow import APP
from features.simulator.vectors import DAY, HOUR, MINUTE, Bools, Floats, Ints
from features.simulator.world import World

MIN_BONUS_USD = 100.0
COMPETITION_SHARE = 0.08
"""Share of honest active traders that join the competition."""
GIFTS = (("airdrop", "airdrop", 0.55), ("launchpool", "launchpool", 0.35))
"""Campaigns open to all, and the share of accounts that join."""
IDLE_INTEREST = 0.35
"""How much less the dormant join."""


def sign_up(world: World, rng: np.random.Generator, scripted: Ints) -> None:
    """Accounts made during the run: the sign-up session and, unless scripted otherwise, a deposit or the bonus."""
    people = world.people
    new = np.flatnonzero(people.created_at >= world.market.start)
    log_in(world, rng, new, people.created_at[new], "signup")
    new = np.setdiff1d(new, scripted)
    eager = (
        (rng.random(len(new)) < 0.5)
        & (people.level[new] >= 2)
        & (people.backlog[new] == 0)
        & (people.created_at[new] < world.market.end - 3 * DAY)
    )
    takers = new[eager]
    usd = np.where(rng.random(len(takers)) < 0.45, 0.0, np.round(rng.exponential(120.0, len(takers))))
    join_bonus(world, rng, takers, people.since(takers, world.market) + HOUR, MIN_BONUS_USD + usd)
    ts = people.created_at[new] + (rng.exponential(1.0, len(new)) * DAY).astype(np.int64) + HOUR
    paying = ~eager & (rng.random(len(new)) < 0.75) & (ts < world.market.end)
    account = new[paying]
    usd = np.round(people.wealth_usd[account] * rng.uniform(0.3, 1.0, len(account)), 0) + 20
    kind = rng.choice([funds.EXCHANGE, funds.SELF_HOSTED, funds.BANK], len(account), p=[0.45, 0.3, 0.25])
    funds.deposit(world, account, ts[paying], usd, kind)


def join_bonus(world: World, rng: np.random.Generator, members: Ints, since: Ints, usd: Floats) -> Ints:
    """Deposit, one futures order, and the welcome bonus with its steps; gives the transfer ids of the deposits."""
    size, room = len(members), np.maximum(world.market.end - since, 20 * MINUTE) // 4
    paid = since + (rng.random(size) * np.minimum(30 * HOUR, room)).astype(np.int64)
    traded = paid + (rng.random(size) * np.minimum(20 * HOUR, room)).astype(np.int64) + 3 * MINUTE
    rewarded = np.minimum(traded + 6 * HOUR, world.market.end - 1)
    transfers = funds.deposit(world, members, paid, usd, rng.choice([funds.EXCHANGE, funds.SELF_HOSTED], size))
    session = log_in(world, rng, members, traded - 2 * MINUTE)
    perps = world.market.instruments("major", "mid", product="perp")
    world.flow.place(
        members,
        traded,
        rng.choice(perps, size),
        rng.integers(0, 2, size),
        np.full(size, 20.0),
        source=APP,
        session=session,
        leverage=10.0,
    )
    for action, ts, reward in (
        ("joined", since, 0.0),
        ("completed", traded + MINUTE, 0.0),
        ("rewarded", rewarded, 30.0),
    ):
        _take_part(world, members, ts, "welcome", "bonus", action, reward)
    return transfers


def compete(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Some of the members join the competition for volume, and a third of them wins something."""
    chosen = members[rng.random(len(members)) < COMPETITION_SHARE]
    since = world.people.since(chosen, world.market)
    ts = world.clock.moments(rng, world.people.offset[chosen], since, np.full(len(chosen), world.market.end))
    enter(world, chosen, ts, rng.random(len(chosen)) < 0.33)


def hand_out(world: World, rng: np.random.Generator, without: Ints) -> None:
    """Airdrop and launchpool: many join at some moment, of whom most complete it and are given a few dollars."""
    people = world.people
    idle = np.array([agent == "dormant" for agent in people.agent])
    for name, kind, share in GIFTS:
        joins = rng.random(len(people)) < np.where(idle, IDLE_INTEREST * share, share)
        members = np.setdiff1d(np.flatnonzero(joins & (people.created_at < world.market.end - 3 * DAY)), without)
        since = people.since(members, world.market)
        ts = world.clock.moments(rng, people.offset[members], since, np.full(len(members), world.market.end - 2 * DAY))
        _take_part(world, members, ts, name, kind, "joined", 0.0)
        done = np.flatnonzero(rng.random(len(members)) < 0.75)
        paid = ts[done] + rng.integers(HOUR, 2 * DAY, len(done))
        _take_part(world, members[done], paid - 5 * MINUTE, name, kind, "completed", 0.0)
        usd = np.round(rng.lognormal(np.log(22), 0.6, len(done)), 2)
        _take_part(world, members[done], paid, name, kind, "rewarded", usd)


def enter(world: World, members: Ints, ts: Ints, wins: Bools) -> None:
    """Members join the competition; the winners are paid at the end of the run."""
    _take_part(world, members, ts, "volume-race", "competition", "joined", 0.0)
    paid = np.full(int(wins.sum()), world.market.end - MINUTE)
    _take_part(world, members[wins], paid, "volume-race", "competition", "rewarded", 120.0)


def _take_part(
    world: World, members: Ints, ts: Ints, campaign: str, kind: Values, action: Values, reward: Floats | float
) -> None:
    world.ledger.emit(
        "participations",
        len(members),
        event_id=world.ledger.fresh("event", len(members)),
        account_id=members,
        ts=ts,
        campaign_id=campaign,
        kind=kind,
        action=action,
        reward_usd=reward,
    )
