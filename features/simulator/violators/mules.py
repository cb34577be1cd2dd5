"""Mule chains: many deposits just below a threshold, a short stay, and out, some by way of the next mule (D12)."""

import numpy as np

from features.simulator import funds
from features.simulator.behaviours import log_in
from features.simulator.vectors import DAY, HOUR, MINUTE, NONE, Floats, Ints, runs
from features.simulator.violators.unit import MOST_EPISODES_OF_FAILED, Unit, confess, pretend
from features.simulator.world import World

THRESHOLDS_USD = (1_000.0, 3_000.0, 10_000.0)


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """People of small means; half of the chains log in from one line."""
    people, members = world.people, unit.members
    people.wealth_usd[members] = rng.uniform(5, 400, len(members))
    people.activity[members] = np.minimum(people.activity[members], 1.5)
    people.level[members] = np.maximum(people.level[members], 1)
    if rng.random() < 0.5:
        people.home[members] = people.home[members[0]]


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """On some days a wave of deposits from distinct senders reaches each mule and leaves within hours."""
    pretend(world, rng, unit)
    confess(world, unit, "money_laundering")
    threshold = float(rng.choice(THRESHOLDS_USD))
    cash_out = funds.fresh_addresses(world, 2)
    days = unit.days(rng, 0.08 + 0.1 * unit.zeal)
    for number, day in enumerate(days):
        size = MOST_EPISODES_OF_FAILED if unit.failed else len(unit.members)
        mules = unit.members[:size][(rng.random(size) < 0.7) | (number == 0)]
        _wave(world, rng, unit, mules, day + int(rng.integers(0, 12 * HOUR)), threshold, cash_out)


def _wave(
    world: World, rng: np.random.Generator, unit: Unit, mules: Ints, start: int, threshold: float, cash_out: Ints
) -> None:
    start = max(min(start, world.market.end - 22 * HOUR), int(world.people.created_at[unit.members].max()) + HOUR)
    if not len(mules) or start > world.market.end - 20 * HOUR:
        return
    group, _ = runs(rng.integers(2, 8, len(mules)))
    account = mules[group]
    ts = start + (rng.random(len(group)) * 5 * HOUR).astype(np.int64)
    usd = np.round(threshold * rng.uniform(0.8, 0.99, len(group)), 2)
    origin = rng.choice([funds.SELF_HOSTED, funds.P2P, funds.BANK], len(group), p=[0.55, 0.25, 0.2])
    source = np.where(origin == funds.SELF_HOSTED, funds.fresh_addresses(world, len(group)), NONE)
    matches = np.where(origin == funds.SELF_HOSTED, NONE, (rng.random(len(group)) < 0.4).astype(np.int64))
    transfers = [funds.deposit(world, account, ts, usd, origin, source, fiat_name_match=matches)]
    last = np.zeros(len(mules), dtype=np.int64)
    total: Floats = np.bincount(group, usd, len(mules)).astype(np.float64)
    np.maximum.at(last, group, ts)
    leave = last + (rng.uniform(10 / 60, 6, len(mules)) * HOUR).astype(np.int64)
    log_in(world, rng, mules, leave - 5 * MINUTE)
    pooled = rng.random() < 0.4 and len(mules) > 1
    if pooled:
        collector = np.full(len(mules) - 1, mules[-1])
        kept = total[:-1] * 0.98
        transfers.append(funds.hand_over(world, mules[:-1], collector, leave[:-1], kept))
        mules, total, leave = mules[-1:], np.array([total[-1] + kept.sum()]), np.array([leave.max() + 40 * MINUTE])
    own = rng.random(len(mules)) < 0.35
    address = np.where(own, funds.own_address(mules, 3), rng.choice(cash_out, len(mules)))
    out = total * rng.uniform(0.92, 0.995, len(mules))
    transfers.append(funds.withdraw(world, mules, leave, out, funds.SELF_HOSTED, address))
    world.truth.episode("money_laundering", start, min(start + DAY, world.market.end), "x", np.concatenate(transfers))
