"""Bonus farms: one person's many accounts, each doing exactly what the welcome bonus asks for.

See docs/methods.md#d20-multi-account-abuse.
"""

import numpy as np

from features.simulator import funds
from features.simulator.honest.behaviours import log_in, secure
from features.simulator.promotions import MIN_BONUS_USD, join_bonus
from features.simulator.vectors import DAY, HOUR, MINUTE, Ints
from features.simulator.violators.unit import Unit, confess, pretend
from features.simulator.violators.violator import Violator
from features.simulator.world import World


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """A burst of sign-ups, referred by the first, on a few devices and one line; the careful stagger and share little.

    Some of the careful use dormant_accounts: accounts made long before and kept for the occasion.
    """
    people, members = world.people, unit.members
    size = len(members)
    period = world.profile.scaled_days(21) * DAY if unit.careful else 2.5 * DAY
    period = min(period, 0.4 * (world.market.end - unit.onset))
    people.created_at[members] = unit.onset + np.sort((rng.random(size) * period).astype(np.int64))
    people.level[members] = 2
    people.wealth_usd[members] = np.exp(rng.normal(6.8 if unit.careful else 5.6, 1.3, size))
    people.activity[members] = 0.4
    if unit.careful:
        dormant_accounts = members[rng.random(size) < 0.5]
        people.created_at[dormant_accounts] = world.market.start - rng.integers(
            10 * DAY, 200 * DAY, len(dormant_accounts)
        )
        return
    people.referrer[members[1:]] = np.where(rng.random(size - 1) < 0.8, members[0], members[:-1])
    country = people.country[members[0]]
    people.country[members], people.offset[members] = country, people.offset[members[0]]
    shared = rng.random(size) < 0.6
    people.home[members[shared]] = people.home[members[0]]
    people.device[members] = np.where(
        rng.random(size) < 0.7, people.device[members[rng.integers(0, min(3, size), size)]], people.device[members]
    )
    people.mobile_pool[members] = people.mobile_pool[members[0]]


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Minimum deposit, one futures order, reward, silence, and the money out through one wallet (or a few)."""
    members, size = unit.members, len(unit.members)
    busy = members[rng.random(size) < unit.camouflage + (0.3 if unit.careful else 0.0)]
    life = Unit(unit.ring, busy, unit.onset, unit.end, unit.camouflage, unit.failed, unit.careful)
    pretend(world, rng, life)
    since = np.maximum(world.people.created_at[members], unit.onset) + HOUR + rng.integers(0, 3 * HOUR, size)
    above = rng.exponential(60.0, size) if unit.careful else rng.uniform(0, 4, size)
    usd = MIN_BONUS_USD + np.where(rng.random(size) < (0.3 if unit.careful else 0.75), 0.0, np.round(above, 2))
    transfers = join_bonus(world, rng, members, since, usd)
    paid = _cash_out(world, rng, unit, since)
    confess(world, unit, "multi_account", np.maximum(world.people.created_at[members], unit.onset))
    for member, begin, transfer in zip(members.tolist(), since.tolist(), transfers.tolist(), strict=True):
        end = min(begin + 2 * DAY, world.market.end)
        world.truth.episode("multi_account", begin, end, "x", np.array([transfer]), member)
    for member, (ts, transfer) in paid.items():
        world.truth.episode("multi_account", ts, ts, "x", np.array([transfer]), member)


def _cash_out(world: World, rng: np.random.Generator, unit: Unit, since: Ints) -> dict[int, tuple[int, int]]:
    """Withdraw what the bonus left; gives the moment and the transfer id by member."""
    room = np.minimum(world.market.end - since, 12 * DAY)
    ts = since + (room * rng.uniform(0.55, 1.1, len(unit.members))).astype(np.int64)
    going = np.flatnonzero(ts < world.market.end - HOUR)
    account, ts = unit.members[going], ts[going]
    common = funds.fresh_addresses(world, 1)[0]
    apart = unit.careful or rng.random() < 0.15
    own = funds.own_address(account)
    address = own if apart else np.where(rng.random(len(account)) < 0.7, common, own)
    session = log_in(world, rng, account, ts - 20 * MINUTE)
    secure(world, account, ts - 10 * MINUTE, "withdrawal_address_added", address=address, session_id=session)
    usd = rng.uniform(96, 122, len(account))
    transfers = funds.withdraw(world, account, ts, usd, funds.SELF_HOSTED, address)
    return dict(zip(account.tolist(), zip(ts.tolist(), transfers.tolist(), strict=True), strict=True))


BONUS_FARM = Violator("bonus_farm", (8, 14), (1, 1, 2, 10), act, recruit, scales=True, scripted=True, rank=8)
