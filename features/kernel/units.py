"""Units: integer parts of a unit in which sums are exact, and numbers as people read them."""

import math
from typing import Any

MILLI = 1_000
MICRO = 1_000_000
CENTS = 100
LARGE = 1_000  # from here on nobody reads decimals
SMALL = 1e-4
UNKNOWN = "not known"


def format_value(value: float, unit: str) -> str:
    """A value with its unit as people read it.

    >>> format_value(0.625, "share"), format_value(12345.6, "usd"), format_value(3.0, "count")
    ('62.5 %', '12,346 USD', '3')
    """
    if math.isnan(value):
        return "unknown"
    words = {
        "share": f"{value * 100:.3g} %",
        "usd": f"{value:,.0f} USD",
        "hours": f"{value:,.1f} hours",
        "days": f"{value:,.1f} days",
        "seconds": f"{value:,.1f} s",
        "bits": f"{value:.2f} bits",
        "level": f"level {value:.0f}",
        "times": f"{value:,.3g} times" if abs(value) < LARGE - 0.5 else f"{value:,.0f} times",
        "flag": "yes:" if value else "no:",
    }
    return words.get(unit, f"{value:,.0f}" if value == int(value) or abs(value) >= LARGE else f"{value:,.3g}")


def number(value: Any) -> str:
    """A value as text: thousands apart, at most four significant digits behind the point.

    >>> number(1234567), number(0.123456), number(1234.6), number(True), number(None)
    ('1,234,567', '0.1235', '1,235', 'yes', 'not known')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return UNKNOWN
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _fraction(value)
    return str(value)


def signed(value: float) -> str:
    """A contribution with its sign and two digits.

    >>> signed(1.234), signed(-0.5)
    ('+1.23', '−0.50')
    """
    return f"{'−' if value < 0 else '+'}{abs(value):.2f}"


def _fraction(value: float) -> str:
    if value != 0 and abs(value) < SMALL:
        return f"{value:.2e}"
    digits = max(0, min(4, 4 - math.floor(math.log10(abs(value))) - 1)) if value else 0
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:,.0f}"
