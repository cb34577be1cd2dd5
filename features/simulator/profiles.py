"""The sizes in which the simulated exchange comes, from a test's seconds to a long study."""

from dataclasses import dataclass
from datetime import UTC, datetime

SIZES = ("tiny", "small", "demo", "full")
REFERENCE_DAYS = 90


@dataclass(frozen=True, slots=True)
class Profile:
    """One size of exchange.

    `rate_divisor` divides the trading rates of day traders, quants and bots of the domain reference (20-150 trades a
    day and more), so that the tables stay small; violators are not thinned. `warm_up_days` pass before any violation.
    `size` decides how many units each violator has, `farm_share` how large farms are beside those of the reference.
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
    size: str
    restless: bool = False

    def scaled_days(self, days: float) -> float:
        """A time span that the 90-day reference gives, in this profile's proportion; a longer run has the reference's.

        >>> PROFILES["demo"].scaled_days(2.0)
        1.0
        """
        return days * min(self.days / REFERENCE_DAYS, 1.0)


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
            size="tiny",
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
            size="small",
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
            size="demo",
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
            size="full",
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
            size="small",
            restless=True,
        ),
    )
}
