"""Who holds accounts: where they live, since when, how rich and how active they are, what they like to trade."""

from dataclasses import dataclass

import numpy as np

from features.simulator.market.market import FIELD, INSTRUMENTS, IS_PERP, Market
from features.simulator.profiles import Profile
from features.simulator.vectors import DAY, HOUR, NONE, Bools, Floats, Ints

COUNTRIES: tuple[tuple[str, float, int, float, float], ...] = (
    ("TR", 9, 3, 39.0, 35.0),
    ("VN", 9, 7, 16.0, 107.0),
    ("IN", 8, 5, 21.0, 78.0),
    ("ID", 7, 7, -5.0, 110.0),
    ("BR", 7, -3, -14.0, -51.0),
    ("NG", 6, 1, 9.0, 8.0),
    ("DE", 6, 2, 51.0, 10.0),
    ("KR", 6, 9, 36.0, 128.0),
    ("PH", 5, 8, 13.0, 122.0),
    ("UA", 5, 3, 49.0, 31.0),
    ("ES", 4, 2, 40.0, -4.0),
    ("AR", 4, -3, -34.0, -64.0),
    ("MX", 4, -6, 23.0, -102.0),
    ("PL", 4, 2, 52.0, 20.0),
    ("TH", 4, 7, 15.0, 101.0),
    ("FR", 4, 2, 46.0, 2.0),
    ("ZA", 3, 2, -29.0, 24.0),
    ("AU", 3, 10, -25.0, 134.0),
    ("ZZ", 1, 0, 0.0, 0.0),
    ("MM", 0, 6, 22.0, 96.0),
    ("KP", 0, 9, 40.0, 127.0),
    ("IR", 0, 3, 32.0, 53.0),
)
"""ISO code, share of accounts, offset from UTC in hours, latitude, longitude; without a share: on the watchlist."""
COUNTRY_CODES = tuple(country[0] for country in COUNTRIES)
FLOCK_NAMES = (*(f"FLOCK-A{number}" for number in range(1, 7)), "FLOCK-B1")
FAVOURITES = 4
ON_THE_MOVE, BEHIND_CARRIER_NAT = 0.7, 0.25
"""Share of people who also come by mobile network, and of those the share whose provider puts many on one address."""
CARRIERS = np.array([0.7, 0.2, 0.1])
"""Sizes of the carriers' pools of customers."""
OWN_LINE = 1_000
"""Pool numbers from here on are mobile lines with an address of their own."""


@dataclass(frozen=True, slots=True)
class Population:
    """One array a trait, one entry an account; agents that recruit accounts change the entries before anybody acts."""

    names: list[str]
    created_at: Ints
    country: Ints
    offset: Ints
    """Hours from UTC of the account's home."""
    kind: Ints
    owner: Ints
    referrer: Ints
    market_maker: Bools
    legacy_tier: Ints
    level: Ints
    """Verification level reached soon after sign-up; 2 opens futures."""
    wealth_usd: Floats
    """What the account holds when the run (or the account) begins."""
    activity: Floats
    """Heavy-tailed factor of activity, mean 1."""
    favourites: Ints
    """Shape (accounts, 4): instruments, the preferred one first."""
    document: Ints
    """Whose identity document was shown; accounts with the same number showed the same one."""
    refusals: Ints
    """Verifications rejected before one was approved."""
    backlog: Ints
    """Microseconds for which the exchange leaves advanced verification unanswered beyond the usual minutes."""
    device: Ints
    home: Ints
    """Household: accounts with the same number share the line (and its address)."""
    office: Ints
    mobile_pool: Ints
    """The carrier whose addresses many share, or from 1000 a mobile line with its own; -1 = only at home."""
    vpn: Bools
    agent: list[str]
    """Name of the agent behind each account."""

    def __len__(self) -> int:
        return len(self.names)

    def since(self, members: Ints, market: Market) -> Ints:
        """The moment from which each member can act within the run."""
        return np.maximum(self.created_at[members] + HOUR, market.start)

    def named(self, *names: str) -> Ints:
        """The numbers of accounts by name."""
        return np.array([self.names.index(name) for name in names], dtype=np.int64)


def make_population(profile: Profile, market: Market, rng: np.random.Generator) -> Population:
    """Draw everybody; the last seven accounts are those of the case study."""
    size = profile.accounts
    names = [f"A{number:06d}" for number in range(size - len(FLOCK_NAMES))] + list(FLOCK_NAMES)
    weights = np.array([country[1] for country in COUNTRIES], dtype=np.float64)
    country = rng.choice(len(COUNTRIES), size, p=weights / weights.sum())
    age = rng.exponential(260, size) + 3
    joined_in_run = rng.random(size) < 0.18
    created = market.start - (age * DAY).astype(np.int64)
    created[joined_in_run] = market.start + (rng.random(joined_in_run.sum()) * (market.end - market.start)).astype(int)
    level = rng.choice([0, 1, 2], size, p=[0.04, 0.26, 0.70])
    activity = np.minimum((1 - rng.random(size)) ** (-1 / 1.1), 150)
    wealth = np.exp(rng.normal(7.8, 1.3, size)) * activity**0.4
    return Population(
        names=names,
        created_at=created,
        country=country,
        offset=np.array([c[2] for c in COUNTRIES])[country],
        kind=np.zeros(size, dtype=np.int64),
        owner=np.full(size, NONE),
        referrer=_referrers(rng, created),
        market_maker=np.zeros(size, dtype=bool),
        legacy_tier=np.where(rng.random(size) < 0.02 * (activity > 3), rng.integers(0, 3, size), NONE),
        level=level,
        wealth_usd=wealth,
        activity=activity / activity.mean(),
        favourites=_favourites(rng, level),
        document=np.arange(size),
        refusals=rng.poisson(0.06, size),
        backlog=np.zeros(size, dtype=np.int64),
        device=np.arange(size),
        home=np.arange(size),
        office=np.full(size, NONE),
        mobile_pool=_mobile(rng, size),
        vpn=rng.random(size) < 0.04,
        agent=[""] * size,
    )


def _mobile(rng: np.random.Generator, size: int) -> Ints:
    shared = rng.random(size) < BEHIND_CARRIER_NAT
    pool = np.where(shared, rng.choice(len(CARRIERS), size, p=CARRIERS), OWN_LINE + np.arange(size))
    return np.where(rng.random(size) < ON_THE_MOVE, pool, NONE)


def _referrers(rng: np.random.Generator, created: Ints) -> Ints:
    candidate = rng.integers(0, len(created), len(created))
    invited = (rng.random(len(created)) < 0.3) & (created[candidate] < created)
    return np.where(invited, candidate, NONE)


def _favourites(rng: np.random.Generator, level: Ints) -> Ints:
    chosen = rng.choice(len(INSTRUMENTS), (len(level), FAVOURITES), p=FIELD["weight"] / FIELD["weight"].sum())
    spot = np.flatnonzero(~IS_PERP)
    weight = FIELD["weight"][spot] / FIELD["weight"][spot].sum()
    return np.where(IS_PERP[chosen] & (level[:, None] < 2), rng.choice(spot, chosen.shape, p=weight), chosen)
