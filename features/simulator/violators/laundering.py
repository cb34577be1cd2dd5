"""Launderers on their own: structuring, gathering, scattering, waking dormant accounts, and mixers and bridges.

See docs/methods.md#d12-money-laundering.
"""

import numpy as np

from features.simulator import funds
from features.simulator.honest.behaviours import log_in, secure
from features.simulator.ledger import code
from features.simulator.vectors import DAY, HOUR, MINUTE, NONE, Floats, Ints
from features.simulator.violators.mules import THRESHOLDS_USD
from features.simulator.violators.unit import Unit, confess, pretend
from features.simulator.violators.violator import Violator
from features.simulator.world import World

TYPES = ("structure", "gather", "scatter", "wake", "mix")


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """People of moderate means."""
    world.people.wealth_usd[unit.members] = np.exp(rng.normal(7.2, 1.0, len(unit.members)))
    world.people.level[unit.members] = np.maximum(world.people.level[unit.members], 1)


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """One way of hiding where money comes from, on a few days."""
    way = str(rng.choice(TYPES))
    if way != "wake":
        pretend(world, rng, unit)
    confess(world, unit, "money_laundering")
    latest = world.market.end - (4 * DAY if unit.careful else DAY)
    for day in unit.days(rng, 1.0 if way == "wake" else 2.5).tolist():
        start = max(min(day + int(rng.integers(0, 12 * HOUR)), latest), unit.onset)
        if start + 10 * HOUR < world.market.end:
            _pass_on(world, rng, unit, start, way)


def _pass_on(world: World, rng: np.random.Generator, unit: Unit, start: int, way: str) -> None:
    account, threshold = unit.members[0], float(rng.choice(THRESHOLDS_USD, p=[0.75, 0.2, 0.05]))
    if way == "structure":
        count = int(rng.integers(3, 5))
        low = 0.4 if unit.careful else 0.82
        received, sent = threshold * rng.uniform(low, 0.99, count), np.array([0.9])
    elif way == "gather":
        senders = int(rng.integers(4, 9) if unit.careful else rng.integers(10, 14))
        received, sent = rng.lognormal(np.log(150), 0.5, senders), np.array([0.9])
    elif way == "scatter":
        parts = rng.dirichlet(np.full(4 if unit.careful else 11, 5.0))
        received, sent = np.array([threshold * rng.uniform(1.0, 2.5)]), parts * 0.95
    else:
        received, sent = threshold * rng.uniform(0.3, 1.6, int(rng.integers(1, 3))), np.array([0.93])
    span = 30 * HOUR if unit.careful else 4 * HOUR
    ts = np.sort(start + rng.integers(0, span, len(received)))
    log_in(world, rng, unit.members, ts[:1] - 2 * MINUTE)
    transfers = _receive(world, rng, int(account), ts, received)
    dwell = (
        np.exp(rng.uniform(np.log(24), np.log(260))) if unit.careful else np.exp(rng.uniform(np.log(0.3), np.log(8)))
    )
    leave = np.full(len(sent), int(ts[-1]) + int(dwell * HOUR)) + np.arange(len(sent)) * 7 * MINUTE
    if unit.careful and leave[-1] >= world.market.end - MINUTE:
        world.truth.episode("money_laundering", ts[0], ts[-1], "x", transfers, unit.members)
        return
    leave = np.minimum(leave, world.market.end - MINUTE)
    part = rng.uniform(0.25, 0.9) if unit.careful else rng.uniform(0.85, 1.0)
    out = _send(world, rng, unit, leave, received.sum() * sent * part, way)
    if unit.careful:
        world.truth.episode("money_laundering", ts[0], ts[-1], "x", transfers, unit.members)
        world.truth.episode("money_laundering", leave[0], leave[-1], "x", out, unit.members)
        return
    both = np.concatenate([transfers, out])
    world.truth.episode("money_laundering", ts[0], leave[-1], "x", both, unit.members)


def _receive(world: World, rng: np.random.Generator, account: int, ts: Ints, usd: Floats) -> Ints:
    size = len(ts)
    origin = rng.choice([funds.SELF_HOSTED, funds.P2P, funds.BANK], size, p=[0.4, 0.4, 0.2])
    wallet = origin == funds.SELF_HOSTED
    source = np.where(wallet, funds.fresh_addresses(world, size), NONE)
    match = np.where(wallet, NONE, (rng.random(size) < 0.7).astype(np.int64))
    return funds.deposit(world, np.full(size, account), ts, np.round(usd, 2), origin, source, fiat_name_match=match)


def _send(world: World, rng: np.random.Generator, unit: Unit, ts: Ints, usd: Floats, way: str) -> Ints:
    """To wallets new or long used, or through a mixer or a bridge."""
    who = unit.members.repeat(len(ts))
    if way == "mix":
        listed = not unit.careful and rng.random() < 0.5
        bridge = funds.BRIDGE_WALLETS + who % 8
        target = funds.MIXER if listed else funds.BRIDGE
        address = np.full(len(ts), funds.MIXER_WALLETS) if listed else bridge
        category = code("transfers", "risk_category", "mixer" if listed else "none")
        return funds.withdraw(world, who, ts, usd, target, address, risk_category=category)
    if way in ("structure", "gather") and rng.random() < (0.5 if unit.careful else 0.25):
        return funds.withdraw(world, who, ts, usd, funds.BANK, np.full(len(ts), NONE))
    to_own_address = unit.careful and way != "scatter"
    address = funds.own_address(who) if to_own_address else funds.fresh_addresses(world, len(ts))
    if not to_own_address:
        secure(world, who, ts - 12 * MINUTE, "withdrawal_address_added", address=address)
    return funds.withdraw(world, who, ts, usd, funds.SELF_HOSTED, address)


LAUNDERER = Violator("launderer", (1, 1), (1, 2, 6, 36), act, recruit, rank=11)
