"""Bonus farms: one person's many accounts, each doing exactly what the welcome bonus asks for (D20)."""

import numpy as np

from features.simulator import funds
from features.simulator.behaviours import log_in, secure
from features.simulator.promotions import BONUS_MINIMUM_USD, join_bonus
from features.simulator.vectors import DAY, HOUR, MINUTE, Ints
from features.simulator.violators.unit import Unit, confess, pretend
from features.simulator.world import World


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """A burst of sign-ups (or three weeks of them), referred by the first; a few devices, partly one line."""
    people, members = world.people, unit.members
    size = len(members)
    slow = rng.random() < 0.3
    spread = min(world.profile.scaled_days(21) * DAY if slow else 2.5 * DAY, 0.4 * (world.market.end - unit.onset))
    people.created_at[members] = unit.onset + np.sort((rng.random(size) * spread).astype(np.int64))
    people.referrer[members[1:]] = np.where(rng.random(size - 1) < 0.8, members[0], members[:-1])
    people.level[members] = 2
    people.wealth_usd[members] = rng.uniform(0, 3, size)
    people.activity[members] = 0.3
    country = people.country[members[0]]
    people.country[members], people.offset[members] = country, people.offset[members[0]]
    shared = rng.random(size) < 0.6
    people.home[members[shared]] = people.home[members[0]]
    people.device[members] = np.where(
        rng.random(size) < 0.7, people.device[members[rng.integers(0, 3, size)]], people.device[members]
    )
    people.mobile_pool[members] = people.mobile_pool[members[0]]


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Minimum deposit, one futures order, reward, silence, and the money out through one wallet (or a few)."""
    members, size = unit.members, len(unit.members)
    busy = members[rng.random(size) < unit.camouflage]
    pretend(world, rng, Unit(unit.ring, busy, unit.onset, unit.end, unit.camouflage, unit.failed))
    since = world.people.created_at[members] + HOUR + rng.integers(0, 3 * HOUR, size)
    usd = BONUS_MINIMUM_USD + np.where(rng.random(size) < 0.75, 0.0, np.round(rng.uniform(0, 4, size), 2))
    transfers = join_bonus(world, rng, members, since, usd)
    _cash_out(world, rng, members, since)
    confess(world, unit, "multi_account", world.people.created_at[members])
    world.truth.episode("multi_account", int(since.min()), unit.end, "x", transfers)


def _cash_out(world: World, rng: np.random.Generator, members: Ints, since: Ints) -> None:
    room = np.minimum(world.market.end - since, 12 * DAY)
    ts = since + (room * rng.uniform(0.55, 1.1, len(members))).astype(np.int64)
    going = np.flatnonzero(ts < world.market.end - HOUR)
    account, ts = members[going], ts[going]
    common = funds.fresh_addresses(world, 1)[0]
    apart = rng.random() < 0.3
    address = (
        funds.own_address(account)
        if apart
        else np.where(rng.random(len(account)) < 0.7, common, funds.own_address(account))
    )
    session = log_in(world, rng, account, ts - 20 * MINUTE)
    secure(world, account, ts - 10 * MINUTE, "withdrawal_address_added", address=address, session_id=session)
    funds.withdraw(world, account, ts, rng.uniform(96, 122, len(account)), funds.SELF_HOSTED, address)
