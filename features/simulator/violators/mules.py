"""Mule chains: many deposits just below a threshold, a short stay, and out, some by way of the next mule.

See docs/methods.md#d12-money-laundering.
"""

import numpy as np

from features.simulator import funds
from features.simulator.honest.behaviours import log_in
from features.simulator.market.flow import APP, BUY
from features.simulator.market.market import number_of
from features.simulator.vectors import HOUR, MINUTE, NONE, Floats, Ints, runs
from features.simulator.violators.unit import MAX_EPISODES_OF_FAILED, Unit, confess, pretend
from features.simulator.violators.violator import Violator
from features.simulator.world import World

THRESHOLDS_USD = (1_000.0, 3_000.0, 10_000.0)


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """People of small means; chains that do not follow the advice often log in from one line."""
    people, members = world.people, unit.members
    people.wealth_usd[members] = np.exp(rng.normal(6.2, 1.0, len(members)))
    people.activity[members] = np.minimum(people.activity[members], 1.5)
    people.level[members] = np.maximum(people.level[members], 1)
    if not unit.careful and rng.random() < 0.8:
        people.home[members] = people.home[members[0]]


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """On some days deposits reach each mule and leave within hours, or (careful) in other amounts within two days."""
    pretend(world, rng, unit)
    confess(world, unit, "money_laundering")
    threshold = float(rng.choice(THRESHOLDS_USD, p=[0.75, 0.2, 0.05]))
    cash_out = funds.fresh_addresses(world, 2)
    for number, day in enumerate(unit.days(rng, 2.0)):
        size = MAX_EPISODES_OF_FAILED if unit.failed else len(unit.members)
        mules = unit.members[:size][(rng.random(size) < (0.5 if unit.careful else 0.8)) | (number == 0)]
        _wave(world, rng, unit, mules, day + int(rng.integers(0, 12 * HOUR)), threshold, cash_out)


def _wave(
    world: World, rng: np.random.Generator, unit: Unit, mules: Ints, start: int, threshold: float, cash_out: Ints
) -> None:
    longest = 30 * HOUR if unit.careful else 20 * HOUR
    start = max(start, int(world.people.created_at[unit.members].max()) + HOUR)
    if not len(mules) or start > world.market.end - longest:
        return
    group, _ = runs(rng.integers(1, 3, len(mules)) if unit.careful else rng.integers(2, 4, len(mules)))
    account = mules[group]
    ts = start + (rng.random(len(group)) * 5 * HOUR).astype(np.int64)
    share = rng.uniform(0.25, 1.3, len(group)) if unit.careful else rng.uniform(0.8, 0.99, len(group))
    usd = np.round(threshold * share, 2)
    origin = rng.choice([funds.SELF_HOSTED, funds.P2P, funds.BANK], len(group), p=[0.4, 0.35, 0.25])
    source = np.where(origin == funds.SELF_HOSTED, funds.fresh_addresses(world, len(group)), NONE)
    named = rng.random(len(group)) < (0.85 if unit.careful else 0.5)
    matches = np.where(origin == funds.SELF_HOSTED, NONE, named.astype(np.int64))
    transfers = [funds.deposit(world, account, ts, usd, origin, source, fiat_name_match=matches)]
    last = np.zeros(len(mules), dtype=np.int64)
    total: Floats = np.bincount(group, usd, len(mules)).astype(np.float64)
    np.maximum.at(last, group, ts)
    dwell = (
        np.exp(rng.uniform(np.log(24), np.log(300), len(mules)))
        if unit.careful
        else rng.uniform(10 / 60, 6, len(mules))
    )
    leave = last + (dwell * HOUR).astype(np.int64)
    going = leave < world.market.end - 2 * HOUR
    all_mules, mules, total, leave = mules, mules[going], total[going], leave[going]
    log_in(world, rng, mules, leave - 5 * MINUTE)
    if not unit.careful and rng.random() < 0.4 and len(mules) > 1:
        collector = np.full(len(mules) - 1, mules[-1])
        forwarded = total[:-1] * 0.98
        transfers.append(funds.hand_over(world, mules[:-1], collector, leave[:-1], forwarded))
        mules, total, leave = mules[-1:], np.array([total[-1] + forwarded.sum()]), np.array([leave.max() + 40 * MINUTE])
    draw = rng.random(len(mules))
    fiat, own = draw < (0.45 if unit.careful else 0.25), draw > (0.6 if unit.careful else 0.75)
    address = np.where(own, funds.own_address(mules, 3), rng.choice(cash_out, len(mules)))
    target, address = np.where(fiat, funds.BANK, funds.SELF_HOSTED), np.where(fiat, NONE, address)
    out = total * (rng.uniform(0.25, 0.9, len(mules)) if unit.careful else rng.uniform(0.8, 0.995, len(mules)))
    if unit.careful:
        _swap(world, rng, mules, leave - rng.integers(HOUR, 6 * HOUR, len(mules)), out)
    transfers.append(funds.withdraw(world, mules, leave, out, target, address))
    if unit.careful:
        # What lies still for days is no episode: one for the way in, one for each way out.
        world.truth.episode("money_laundering", start, last.max(), "x", transfers[0], all_mules)
        for mule, ts, transfer in zip(mules.tolist(), leave.tolist(), transfers[1].tolist(), strict=True):
            world.truth.episode("money_laundering", ts, ts, "x", np.array([transfer]), mule)
        return
    world.truth.episode("money_laundering", start, leave.max(), "x", np.concatenate(transfers), all_mules)


def _swap(world: World, rng: np.random.Generator, mules: Ints, ts: Ints, usd: Floats) -> None:
    """What came in is exchanged for another token before it leaves."""
    where = np.full(len(mules), number_of("ETHUSDT", "spot"))
    side = np.full(len(mules), BUY)
    world.flow.place(mules, ts, where, side, usd * rng.uniform(0.3, 1.0, len(mules)), source=APP)


MULE_CHAIN = Violator("mule_chain", (4, 5), (1, 1, 3, 20), act, recruit, rank=10)
