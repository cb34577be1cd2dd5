"""Between which bounds every number and every moment of activity lies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

MAX_USD = 1e12
MAX_SUM = 4 * 10**18
"""Within 64 bits, with room for adding two of them."""
EARLIEST_EVENT = "2009-01-01"
EARLIEST_YEAR, LATEST_YEAR = 1900, 9999
PROBABLE_YEARS = (2000, 2100)


def is_within_calendar(moment: datetime) -> bool:
    """Whether a moment in UTC has room around it for every window and deadline: of the years 1900 to 9998.

    >>> is_within_calendar(datetime(2025, 5, 31)), is_within_calendar(datetime(9999, 12, 31))
    (True, False)
    """
    return EARLIEST_YEAR <= moment.year < LATEST_YEAR


@dataclass(frozen=True, slots=True)
class Bound:
    """From `least` to `most`, both allowed unless `is_open`; `says` names the bound in a reason."""

    least: float
    most: float
    says: str
    is_open: bool = False

    def broken_sql(self, value: str) -> str:
        """SQL for whether a value lies outside."""
        if self.is_open:
            return f"{value} <= {self.least!r} OR {value} >= {self.most!r}"
        return f"{value} < {self.least!r} OR {value} > {self.most!r}"

    def holds(self, value: float) -> bool:
        """Whether a value lies inside."""
        return self.least < value < self.most if self.is_open else self.least <= value <= self.most


BOUNDS: Mapping[str, Bound] = {
    "usd": Bound(-MAX_USD, MAX_USD, "not below 1e12 USD", is_open=True),
    "price": Bound(1e-12, 1e12, "not between 1e-12 and 1e12"),
    "quantity": Bound(-1e24, 1e24, "not below 1e24", is_open=True),
    "count": Bound(0, 999_999_999, "not a count from 0 to below 1e9"),
    "share": Bound(0, 1, "not between 0 and 1"),
    "leverage": Bound(0, 1e4, "not up to 1e4"),
    "rate": Bound(-1e3, 1e3, "not between -1e3 and 1e3"),
    "latitude": Bound(-90, 90, "not between -90 and 90"),
    "longitude": Bound(-180, 180, "not between -180 and 180"),
}
