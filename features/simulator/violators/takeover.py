"""Account takeovers: an ordinary life, then a stranger's log-in, new credentials and an emptied account (D23)."""

import numpy as np

from features.simulator import funds
from features.simulator.behaviours import Style, save_and_spend, secure, trade_by_hand, visit
from features.simulator.ledger import code
from features.simulator.network import ASN_TYPE, HOSTING, RESIDENTIAL, Connection, connect
from features.simulator.truth import Offence
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Ints, mixed
from features.simulator.violators.unit import Unit
from features.simulator.world import World

PATIENT_HOURS = (25.0, 30.0)
"""One thief in five waits until just after the 24-hour hold."""


def recruit(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Victims have been customers for a while and hold something."""
    people, members = world.people, unit.members
    np.minimum.at(people.created_at, members, world.market.start - rng.integers(20 * DAY, 300 * DAY, len(members)))
    people.wealth_usd[members] = np.exp(rng.normal(8.4, 0.9, len(members)))
    people.level[members] = np.maximum(people.level[members], 1)


def act(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """The victim lives on; the thief comes once."""
    account = unit.members[:1]
    begin = np.array([unit.onset + int(rng.integers(0, DAY))])
    trade_by_hand(world, rng, visit(world, rng, account, 0.4 + unit.camouflage), Style(0.7))
    save_and_spend(world, rng, account, 0.06, 0.01, until=begin)
    funds.fund_openings(world)
    session = _break_in(world, rng, account, begin)
    changed = begin + rng.integers(2 * MINUTE, 15 * MINUTE, 1)
    word = str(rng.choice(["password_change", "password_reset", "two_factor_reset"]))
    if rng.random() < 0.85:
        secure(world, account, changed, word, session_id=session)
    if rng.random() < 0.3:
        secure(world, account, changed + MINUTE, "email_change", session_id=session)
    low, high = PATIENT_HOURS if rng.random() < 0.2 else (5 / 60, 24.0)
    at = changed + int(np.exp(rng.uniform(np.log(low), np.log(high))) * HOUR)
    address = funds.fresh_addresses(world, 1)
    if rng.random() < 0.9:
        secure(
            world,
            account,
            at - rng.integers(2 * MINUTE, 4 * MINUTE),
            "withdrawal_address_added",
            address=address,
            session_id=session,
        )
    held = world.people.wealth_usd[account] + funds.net_flow(world, int(begin[0]))[account]
    transfer = funds.withdraw(world, account, at, held * rng.uniform(0.6, 0.97), funds.SELF_HOSTED, address)
    started, request = int(begin[0]), int(transfer[0])
    world.truth.offences.append(
        Offence(int(account[0]), "account_takeover", unit.ring, started, int(at[0]), unit.camouflage, request)
    )
    world.truth.episode("account_takeover", started, int(at[0]), "x", transfer)
    if rng.random() < 0.6:
        _report(world, request, int(at[0]) + int(rng.exponential(1.2) * DAY) + HOUR)


def _break_in(world: World, rng: np.random.Generator, account: Ints, begin: Ints) -> Ints:
    tries = int(rng.poisson(3))
    if tries:
        secure(world, np.repeat(account, tries), begin - np.arange(1, tries + 1) * 25 * SECOND, "failed_login")
    hosted = rng.random() < 0.5
    abroad = rng.integers(0, 18, 1) if rng.random() < 0.6 else world.people.country[account]
    stranger = Connection(
        (HOSTING + 32_768 if hosted else RESIDENTIAL) + mixed(account, 91) % 30_000,
        64512 + 950 + mixed(account, 92) % 40,
        np.full(1, ASN_TYPE["hosting" if hosted else "residential"]),
        abroad,
        np.full(1, int(hosted)),
        world.people.device[account] if rng.random() < 0.2 else 7 * len(world.people) + account,
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
