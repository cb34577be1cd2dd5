"""Breaches that rules alone decide: unverified futures, listed countries, tainted and listed money, court orders."""

import numpy as np

from features.simulator import funds
from features.simulator.honest.behaviours import Style, log_in, moments, save_and_spend, trade_by_hand, visit
from features.simulator.ledger import ABSENT, code
from features.simulator.market.flow import APP
from features.simulator.people.network import RESIDENTIAL, Connection, connect, country_number
from features.simulator.vectors import DAY, MINUTE, Ints, mixed
from features.simulator.violators.unit import Unit, confess, pretend
from features.simulator.violators.violator import Violator
from features.simulator.world import World

SANCTIONED = np.array([100, 101, 102])
"""Numbers of the addresses on the sanctions list."""
SCOPES = ("freeze", "withdrawals", "trading")
RANSOM = 110
"""Number of a wallet that received ransom."""


def recruit_unverified(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Verified to level 1; level 2 is submitted and not yet approved (see `venue`)."""
    world.people.level[unit.members] = 1


def trade_unverified(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Opens futures all the same."""
    pretend(world, rng, unit)
    confess(world, unit, "kyc_gate")
    account = np.repeat(unit.members, 6)
    ts = np.minimum(unit.onset + (rng.random(len(account)) * 5 * DAY).astype(np.int64), world.market.end - DAY)
    session = log_in(world, rng, account, ts - 5 * MINUTE)
    perps = world.market.instruments("major", "mid", product="perp")
    side = rng.integers(0, 2, len(account))
    usd = rng.uniform(30, 900, len(account))
    orders = world.flow.place(
        account, ts, rng.choice(perps, len(account)), side, usd, source=APP, session=session, leverage=10.0
    )
    world.truth.episode("kyc_gate", ts.min(), ts.max(), "o", orders, unit.members)


def connect_from_listed_country(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Lives for a while in a country under enhanced due diligence, or in a prohibited one, and trades from there."""
    confess(world, unit, "restricted_jurisdiction")
    iso = "IR" if int(unit.members[0]) % 3 == 0 else "MM"
    account = np.repeat(unit.members, 9)
    ts = np.sort(unit.onset + (rng.random(len(account)) * 6 * DAY).astype(np.int64))
    ts = np.minimum(ts, world.market.end - DAY)
    zero = np.zeros(len(account), dtype=np.int64)
    line = Connection(
        RESIDENTIAL + mixed(account, 95) % (1 << 24),
        zero + 64512 + 990,
        zero,
        zero + country_number(iso),
        zero,
        world.people.device[account],
    )
    session = connect(world.ledger, world.people, account, ts, line)
    world.truth.episode("restricted_jurisdiction", ts.min(), ts.max(), "s", session, unit.members)
    spot = world.market.instruments("major", product="spot")
    usd = rng.uniform(20, 400, len(account))
    world.flow.place(
        account,
        ts + MINUTE,
        rng.choice(spot, len(account)),
        rng.integers(0, 2, len(account)),
        usd,
        source=APP,
        session=session,
    )
    trade_by_hand(world, rng, visit(world, rng, unit.members, 0.5), Style(0.7))
    save_and_spend(world, rng, unit.members, 0.05, 0.02)


def receive_ransom(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """One deposit straight from a ransomware wallet."""
    pretend(world, rng, unit)
    confess(world, unit, "illicit_assets")
    ts = np.full(len(unit.members), unit.onset)
    usd = rng.uniform(6_000, 20_000, len(unit.members))
    transfers = funds.deposit(
        world,
        unit.members,
        ts,
        usd,
        funds.SELF_HOSTED,
        np.full(len(unit.members), RANSOM),
        risk_category=code("transfers", "risk_category", "ransomware"),
        taint_direct=0.9,
        taint_indirect=0.9,
        hops=1,
    )
    world.truth.episode("illicit_assets", unit.onset, unit.onset, "x", transfers, unit.members)


def pay_sanctioned(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Withdraws to an address on the sanctions list; others merely received dust from it."""
    pretend(world, rng, unit)
    confess(world, unit, "sanctions_exposure")
    ts = np.full(len(unit.members), unit.onset)
    usd = rng.uniform(500, 4_000, len(unit.members))
    transfers = funds.withdraw(world, unit.members, ts, usd, funds.SELF_HOSTED, SANCTIONED[: len(unit.members)])
    world.truth.episode("sanctions_exposure", unit.onset, unit.onset, "x", transfers, unit.members)
    _dust(world, rng)


def _dust(world: World, rng: np.random.Generator) -> None:
    holders = np.flatnonzero((world.people.level == 2) & (world.people.created_at < world.market.start))
    holders = holders[[world.people.agent[number] in ("retail", "dormant", "staker") for number in holders]]
    dusted: Ints = rng.choice(holders, min(30, len(holders)), replace=False)
    for account in dusted.tolist():
        world.truth.look_alikes.setdefault(account, "sanctions_exposure")
    funds.deposit(
        world,
        dusted,
        moments(world, rng, dusted),
        np.full(len(dusted), 0.02),
        funds.SELF_HOSTED,
        np.full(len(dusted), int(SANCTIONED[0])),
        risk_category=code("transfers", "risk_category", "sanctions"),
        taint_indirect=1.0,
        hops=2,
    )


def obey_an_order(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """A court or an authority orders something about the account; its holder lives on."""
    pretend(world, rng, unit)
    confess(world, unit, "legal_order")
    scope = SCOPES[int(unit.members[0]) % len(SCOPES)]
    name = f"court-{unit.ring.rpartition('-')[2]}"
    world.ledger.emit(
        "legal_orders",
        1,
        legal_order_id=np.array([name], dtype=object),
        account_id=unit.members,
        ts=unit.onset,
        authority="District Court (simulated)",
        scope=code("legal_orders", "scope", scope),
        expires_at=ABSENT if int(unit.members[0]) % 2 else unit.onset + 60 * DAY,
    )
    nothing = np.empty(0, dtype=np.int64)
    world.truth.episode("legal_order", unit.onset, unit.onset, "o", nothing, unit.members)


UNVERIFIED_FUTURES = Violator(
    "unverified_futures", (1, 1), (2, 1, 3, 16), trade_unverified, recruit_unverified, rank=17
)
LISTED_COUNTRY = Violator("listed_country", (1, 1), (2, 1, 3, 16), connect_from_listed_country, rank=18)
RANSOM_RECEIVER = Violator("ransom_receiver", (1, 1), (1, 1, 1, 4), receive_ransom, rank=19)
SANCTIONED_PAYER = Violator("sanctioned_payer", (1, 1), (1, 1, 1, 4), pay_sanctioned, rank=20)
UNDER_ORDER = Violator("under_order", (1, 1), (1, 1, 3, 8), obey_an_order, rank=21)
