"""The sizes in which the simulated exchange comes, from a test's seconds to a long study."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

SIZES = ("tiny", "small", "demo", "full")
REFERENCE_DAYS = 90
UNITS: dict[str, tuple[int, int, int, int]] = {
    "wash_ring": (1, 1, 4, 24),
    "self_dealer": (1, 1, 3, 15),
    "round_tripper": (1, 1, 3, 12),
    "spoofer": (3, 2, 8, 50),
    "layerer": (1, 2, 5, 30),
    "stuffer": (1, 2, 5, 24),
    "script_farm": (1, 1, 2, 5),
    "bonus_farm": (1, 1, 2, 10),
    "document_farm": (1, 1, 2, 8),
    "mule_chain": (1, 1, 3, 20),
    "launderer": (1, 2, 6, 36),
    "takeover_victim": (4, 3, 14, 100),
    "limit_ring": (1, 1, 2, 8),
    "colluders": (1, 1, 2, 8),
    "ban_evader": (1, 1, 3, 12),
    "flock_ring": (1, 1, 1, 1),
    "unverified_futures": (2, 1, 3, 16),
    "listed_country": (2, 1, 3, 16),
    "ransom_receiver": (1, 1, 1, 4),
    "sanctioned_payer": (1, 1, 1, 4),
    "under_order": (1, 1, 3, 8),
}
"""Units (rings, farms, chains, loners) of each violator, by size of exchange."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One size of exchange.

    `rate_divisor` divides the trading rates of day traders, quants and bots of the domain reference (20-150 trades a
    day and more), so that the tables stay small; violators are not thinned. `warm_up_days` pass before any violation.
    `units` gives how many units each violator has, `farm_share` how large farms are beside those of the reference.
    `restless` people take breaks of months and play for changing stakes (see `interest`).
    Delays of review and lengths of violations shrink with a run shorter than the reference's 90 days.
    """

    name: str
    accounts: int
    start: datetime
    days: int
    rate_divisor: float
    idle_quotes: int
    warm_up_days: float
    farm_share: float
    units: Mapping[str, int]
    restless: bool = False

    def scaled_days(self, days: float) -> float:
        """A time span that the 90-day reference gives, in this profile's proportion; a longer run has the reference's.

        >>> PROFILES["demo"].scaled_days(2.0)
        1.0
        """
        return days * min(self.days / REFERENCE_DAYS, 1.0)


def _units(size: str) -> dict[str, int]:
    return {violator: counts[SIZES.index(size)] for violator, counts in UNITS.items()}


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="tiny",
            accounts=800,
            start=datetime(2025, 5, 24, tzinfo=UTC),
            days=14,
            rate_divisor=8,
            idle_quotes=60_000,
            warm_up_days=3,
            farm_share=0.7,
            units=_units("tiny"),
        ),
        Profile(
            name="small",
            accounts=2_000,
            start=datetime(2025, 5, 11, tzinfo=UTC),
            days=30,
            rate_divisor=2,
            idle_quotes=500_000,
            warm_up_days=7,
            farm_share=0.35,
            units=_units("small"),
        ),
        Profile(
            name="demo",
            accounts=5_000,
            start=datetime(2025, 5, 1, tzinfo=UTC),
            days=45,
            rate_divisor=10,
            idle_quotes=780_000,
            warm_up_days=7,
            farm_share=0.45,
            units=_units("demo"),
        ),
        Profile(
            name="full",
            accounts=30_000,
            start=datetime(2025, 4, 1, tzinfo=UTC),
            days=90,
            rate_divisor=30,
            idle_quotes=1_500_000,
            warm_up_days=14,
            farm_share=1.0,
            units=_units("full"),
        ),
        Profile(
            name="long",
            accounts=2_000,
            start=datetime(2025, 1, 1, tzinfo=UTC),
            days=270,
            rate_divisor=20,
            idle_quotes=500_000,
            warm_up_days=14,
            farm_share=0.35,
            units=_units("small"),
            restless=True,
        ),
    )
}
