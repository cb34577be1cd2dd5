"""How soon a person has to decide a case, by its severity."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from serving.policy.terms import Severity

# docs/methods.md#severity; low and info are only sampled there, so a week is the house default for opened ones.
DECIDE_WITHIN: Mapping[Severity, timedelta] = MappingProxyType(
    {
        Severity.LEGAL: timedelta(hours=1),
        Severity.CRITICAL: timedelta(hours=4),
        Severity.HIGH: timedelta(hours=24),
        Severity.MEDIUM: timedelta(hours=72),
        Severity.LOW: timedelta(days=7),
        Severity.INFO: timedelta(days=7),
    }
)


def due_at(severity: Severity, opened_at: datetime) -> datetime:
    """The moment by which a case of that severity is to be decided.

    >>> from datetime import UTC
    >>> due_at(Severity.CRITICAL, datetime(2025, 5, 31, 12, tzinfo=UTC)).hour
    16
    """
    return opened_at + DECIDE_WITHIN[severity]
