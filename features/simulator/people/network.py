"""From where accounts connect: addresses, devices and providers of their sessions."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from features.simulator.ledger import Ledger, Values, code
from features.simulator.people.population import CARRIERS, COUNTRIES, COUNTRY_CODES, OWN_LINE, Population
from features.simulator.vectors import DAY, NONE, Ints, micros, mixed

TIMEZONES = tuple(f"UTC{offset:+d}" for offset in range(-12, 15))
RESIDENTIAL, MOBILE, OFFICE, HOSTING = (
    10 << 24,
    (100 << 24) + (64 << 16),
    (172 << 24) + (16 << 16),
    (198 << 24) + (18 << 16),
)
"""Blocks that belong to nobody: private (RFC 1918), carrier NAT (RFC 6598), benchmarking (RFC 2544)."""
LEASE_DAYS, STATIC_LINES = 30, 60
"""How long a line at home keeps its address, and the percentage of lines that always keep it."""
CARRIER_ADDRESSES = 50
"""Accounts of the exchange for each address of all carriers' pools."""
PHONES_REPLACED = 15
"""Percent of devices that are replaced once within 90 days of the earliest run."""
FIRST_RUN = micros(datetime(2025, 4, 1, tzinfo=UTC))
ASN_TYPE = {word: code("sessions", "asn_type", word) for word in ("residential", "mobile", "hosting", "corporate")}


@dataclass(frozen=True, slots=True)
class Connection:
    """How sessions reach the exchange, one entry a session; -1 in `device` is a machine without one."""

    ip: Ints
    asn: Ints
    asn_type: Ints
    country: Ints
    vpn: Ints
    device: Ints


def usual_connection(people: Population, rng: np.random.Generator, account: Ints, ts: Ints) -> Connection:
    """Where an account usually connects from: home, carrier NAT, office or VPN; now and then with a second device."""
    size = len(account)
    draw = rng.random(size)
    household = people.home[account]
    static = mixed(household, 4) % 100 < STATIC_LINES
    lease = np.where(static, 0, (ts // DAY + household) // LEASE_DAYS)
    home = RESIDENTIAL + mixed(household, lease, 1) % (1 << 24)
    pool, office = people.mobile_pool[account], people.office[account]
    carrier = _mobile_address(people, account, ts)
    mobile = (draw < 0.35) & (pool != NONE)
    desk = (draw > 0.45) & (office != NONE)
    hidden = people.vpn[account] & (rng.random(size) < 0.7)
    abroad = mixed(account, ts // (3 * DAY)) % 18
    kind = np.select([hidden, desk, mobile], [ASN_TYPE["hosting"], ASN_TYPE["corporate"], ASN_TYPE["mobile"]], 0)
    ip = np.select(
        [hidden, desk, mobile], [HOSTING + 4096 + abroad * 40 + mixed(ts) % 30, OFFICE + office, carrier], home
    )
    country = np.where(hidden, abroad, people.country[account])
    provider = 64512 + np.select(
        [hidden, desk, mobile],
        [900 + abroad % 7, 200 + office % 90, 100 + pool % 60],
        country * 4 + mixed(people.home[account]) % 3,
    )
    second = (mixed(account, 3) % 4 == 0) & (rng.random(size) < 0.3)
    device = np.where(second, len(people) * 2 + account, people.device[account])
    replaced = (mixed(device, 41) % 100 < PHONES_REPLACED) & (ts > FIRST_RUN + mixed(device, 42) % (90 * DAY))
    device = np.where(replaced, len(people) * 8 + device, device)
    return Connection(ip, provider, kind, country, hidden.astype(np.int64), device)


def _mobile_address(people: Population, account: Ints, ts: Ints) -> Ints:
    """One of the carrier's addresses, another every day and some far more often than others, or the line's own."""
    pool, draw = people.mobile_pool[account], mixed(account, ts // DAY, 2) % 100_003 / 100_003
    addresses = np.maximum(CARRIERS * len(people) / CARRIER_ADDRESSES, 2)[np.clip(pool, 0, len(CARRIERS) - 1)]
    shared = MOBILE + pool * 4096 + (addresses * draw**1.5).astype(np.int64)
    return np.where(pool < OWN_LINE, shared, MOBILE + (1 << 20) + mixed(account, 6) % (1 << 20))


def server_connection(people: Population, account: Ints) -> Connection:
    """Where machines connect from: a server of the account's owner in a hosting centre."""
    owner = np.where(people.owner[account] != NONE, people.owner[account], account)
    size = len(account)
    return Connection(
        HOSTING + 65_536 + mixed(owner, 5) % 60_000,
        64512 + 800 + owner % 12,
        np.full(size, ASN_TYPE["hosting"]),
        people.country[account],
        np.zeros(size, dtype=np.int64),
        np.full(size, NONE),
    )


def connect(
    ledger: Ledger,
    people: Population,
    account: Ints,
    ts: Ints,
    connection: Connection,
    event: Values = "login",
    *,
    headless: Values = False,
) -> Ints:
    """Emit one session a row and give back their ids."""
    size = len(account)
    sessions = ledger.fresh("session", size)
    place = np.array([(country[3], country[4]) for country in COUNTRIES])[connection.country]
    jitter = (mixed(connection.ip, 7) % 1000 / 1000 - 0.5)[:, None] * np.array([1.5, 2.0])
    machine = connection.device == NONE
    ledger.emit(
        "sessions",
        size,
        session_id=sessions,
        account_id=account,
        ts=ts,
        event=event,
        ip=connection.ip,
        asn=connection.asn,
        asn_type=connection.asn_type,
        ip_country=connection.country,
        vpn=connection.vpn,
        anonymiser=np.where(connection.vpn == 1, code("sessions", "anonymiser", "vpn"), 0),
        device_id=connection.device,
        headless=headless,
        emulator=np.where(machine, NONE, 0),
        user_agent_hash=np.where(machine, 5_000 + account % 9, mixed(connection.device, 11) % 120),
        tls_hash=np.where(machine, 900 + account % 4, mixed(connection.device, 11) % 40),
        timezone=np.where(machine, NONE, people.offset[account] + 12),
        latitude=place[:, 0] + jitter[:, 0],
        longitude=place[:, 1] + jitter[:, 1],
    )
    return sessions


def country_number(iso: str) -> int:
    """The number of a country.

    >>> COUNTRY_CODES[country_number("DE")]
    'DE'
    """
    return COUNTRY_CODES.index(iso)
