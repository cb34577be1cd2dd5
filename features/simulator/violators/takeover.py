"""Account takeovers: an ordinary life, then a stranger's log-in, new credentials and an emptied account.

See docs/methods.md#d23-cooling-off-and-account-takeover.
"""

import numpy as np

from features.simulator import funds
from features.simulator.honest.behaviours import Style, save_and_spend, secure, trade_by_hand, visit
from features.simulator.ledger import code
from features.simulator.people.network import ASN_TYPE, HOSTING, RESIDENTIAL, Connection, connect
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Ints, mixed
from features.simulator.violators.unit import Unit, confess
from features.simulator.violators.violator import Violator
from features.simulator.world import World

PATIENT_HOURS = (25.0, 40.0)
"""Careful thieves wait until after the 24-hour hold."""


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Victims have been customers for a while and hold something."""
    people, members = world.people, unit.members
    np.minimum.at(people.created_at, members, world.market.start - rng.integers(20 * DAY, 300 * DAY, len(members)))
    people.wealth_usd[members] = np.exp(rng.normal(8.4, 0.9, len(members)))
    people.level[members] = np.maximum(people.level[members], 1)


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """The victim lives on; the thief comes once, and leaves with most of it, with a part, or with nothing."""
    account = unit.members[:1]
    begin = np.array([unit.onset + int(rng.integers(0, DAY))])
    trade_by_hand(world, rng, visit(world, rng, account, 0.4 + unit.camouflage), Style(0.9))
    save_and_spend(world, rng, account, 0.09, 0.05, until=begin)
    funds.fund_openings(world)
    session = _break_in(world, rng, unit, begin)
    changed = begin + rng.integers(2 * MINUTE, 15 * MINUTE, 1)
    word = str(rng.choice(["password_change", "password_reset", "two_factor_reset"]))
    if rng.random() < (0.4 if unit.careful else 0.75):
        secure(world, account, changed, word, session_id=session)
    if rng.random() < 0.2:
        secure(world, account, changed + MINUTE, "email_change", session_id=session)
    low, high = PATIENT_HOURS if unit.careful else (5 / 60, 24.0)
    at = changed + int(np.exp(rng.uniform(np.log(low), np.log(high))) * HOUR)
    at = np.minimum(at, world.market.end - HOUR)
    if unit.failed:
        _record(world, unit, begin, at, np.empty(0, dtype=np.int64))
        return
    _record(world, unit, begin, at, _take(world, rng, unit, at, session))


def _take(world: World, rng: np.random.Generator, unit: Unit, at: Ints, session: Ints) -> Ints:
    """Withdrawals to a new wallet, or of careful thieves to one that they had put on the address book long before."""
    account = unit.members[:1]
    book = unit.careful and rng.random() < 0.6
    address = funds.own_address(account, 1) if book else funds.fresh_addresses(world, 1)
    if not book and rng.random() < 0.9:
        added = at - rng.integers(2 * MINUTE, 4 * MINUTE)
        secure(world, account, added, "withdrawal_address_added", address=address, session_id=session)
    balance = world.people.wealth_usd[account] + funds.net_flow(world, int(at[0]))[account]
    parts = int(rng.integers(2, 4)) if unit.careful else 1
    share = rng.uniform(0.2, 0.7) if unit.careful else rng.uniform(0.55, 0.97)
    ts = np.minimum(at + np.arange(parts) * rng.integers(HOUR, 5 * HOUR), world.market.end - MINUTE)
    usd = np.repeat(np.maximum(balance, 20) * share / parts, parts)
    return funds.withdraw(world, account.repeat(parts), ts, usd, funds.SELF_HOSTED, address.repeat(parts))


def _record(world: World, unit: Unit, begin: Ints, at: Ints, transfers: Ints) -> None:
    """The truth, and in most cases the victim's complaint."""
    started = int(begin[0])
    request = int(transfers[0]) if len(transfers) else None
    confess(world, unit, "account_takeover", begin, request=request)
    world.truth.episode("account_takeover", started, int(at[0]), "x", transfers, unit.members)
    if request is not None and int(unit.members[0]) % 5 < 3:
        _report(world, request, int(at[0]) + HOUR + int(mixed(unit.members, 93)[0] % (3 * DAY)))


def _break_in(world: World, rng: np.random.Generator, unit: Unit, begin: Ints) -> Ints:
    """A stranger's log-in after some that failed; the careful come by a line in the country and copy the device."""
    account = unit.members[:1]
    tries = int(rng.poisson(0.5 if unit.careful else 3))
    if tries:
        secure(world, np.repeat(account, tries), begin - np.arange(1, tries + 1) * 25 * SECOND, "failed_login")
    hosted = not unit.careful and rng.random() < 0.5
    far = not unit.careful and rng.random() < 0.6
    abroad = rng.integers(0, 18, 1) if far else world.people.country[account]
    stranger = Connection(
        (HOSTING + 32_768 if hosted else RESIDENTIAL) + mixed(account, 91) % 30_000,
        64512 + (abroad * 4 + mixed(account, 92) % 3 if unit.careful else 950 + mixed(account, 92) % 40),
        np.full(1, ASN_TYPE["hosting" if hosted else "residential"]),
        abroad,
        np.full(1, int(hosted)),
        world.people.device[account]
        if rng.random() < (0.5 if unit.careful else 0.15)
        else 7 * len(world.people) + account,
    )
    return connect(world.ledger, world.people, account, begin, stranger)


def _report(world: World, transfer: int, ts: int) -> None:
    """The victim complains."""
    if ts >= world.market.end:
        return
    world.ledger.emit(
        "reports",
        1,
        report_id=f"report-{transfer}",
        ts=ts,
        subject_table="transfers",
        subject_id=f"x{transfer}",
        kind=code("reports", "kind", "victim"),
    )


TAKEOVER_VICTIM = Violator("takeover_victim", (1, 1), (4, 3, 14, 100), act, recruit, rank=12)
