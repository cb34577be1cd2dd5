"""The sizes in which the simulated exchange comes, from a test's seconds to a long study."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """One size of exchange.

    `rate_divisor` divides the trading rates of day traders, quants and bots of the domain reference (20-150 trades a
    day and more), so that the tables stay small; violators are not thinned. `warm_up_days` pass before any violation.
    Units: rings, farms, chains and single accounts. Delays of review scale with days / 90.
    """

    name: str
    accounts: int
    start: datetime
    days: int
    rate_divisor: float
    idle_quotes: int
    warm_up_days: float
    wash_rings: int
    spoofers: int
    farms: int
    mule_chains: int
    takeovers: int
    limit_rings: int
    rule_breakers: int
    """Accounts for each rule-only breach: futures with pending verification, sessions from an EDD country."""

    def scaled_days(self, days: float) -> float:
        """A time span that the 90-day reference gives, in this profile's proportion.

        >>> PROFILES["demo"].scaled_days(2.0)
        1.0
        """
        return days * self.days / 90


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
            wash_rings=1,
            spoofers=3,
            farms=1,
            mule_chains=1,
            takeovers=4,
            limit_rings=1,
            rule_breakers=2,
        ),
        Profile(
            name="demo",
            accounts=5_000,
            start=datetime(2025, 5, 1, tzinfo=UTC),
            days=45,
            rate_divisor=10,
            idle_quotes=780_000,
            warm_up_days=7,
            wash_rings=6,
            spoofers=20,
            farms=3,
            mule_chains=5,
            takeovers=22,
            limit_rings=2,
            rule_breakers=5,
        ),
        Profile(
            name="full",
            accounts=30_000,
            start=datetime(2025, 4, 1, tzinfo=UTC),
            days=90,
            rate_divisor=30,
            idle_quotes=1_500_000,
            warm_up_days=14,
            wash_rings=30,
            spoofers=90,
            farms=12,
            mule_chains=24,
            takeovers=110,
            limit_rings=6,
            rule_breakers=20,
        ),
    )
}
