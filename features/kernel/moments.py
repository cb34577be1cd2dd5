"""Moments and durations: the clock handed in at the edge, how moments are written and read, and whole microseconds."""

import re
from datetime import UTC, datetime, timedelta

from features.kernel.errors import Invalid

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DATE_ALONE = re.compile(r"\d{4}-\d{2}-\d{2}")


def utc_now() -> datetime:
    """The present moment in UTC; only the edges (command line, application) call it."""
    return datetime.now(UTC)


def text_of(moment: datetime) -> str:
    """The moment as UTC ISO 8601 with microseconds and `Z`.

    Raises:
        Invalid: the moment has no zone.

    >>> text_of(datetime(2025, 5, 31, 12, tzinfo=UTC))
    '2025-05-31T12:00:00.000000Z'
    """
    return in_utc(moment).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def moment_of(text: str) -> datetime:
    """The moment an ISO 8601 text with offset or `Z` names; a date alone is its midnight in UTC.

    Raises:
        Invalid: the text names no moment, or a time of day without a zone.

    >>> moment_of("2025-05-31T14:00:00+02:00") == moment_of("2025-05-31T12:00:00Z")
    True
    >>> moment_of("2025-05-31").isoformat()
    '2025-05-31T00:00:00+00:00'
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(f"{text!r} is not a moment; write it like 2025-05-31T12:00:00Z.") from None
    return moment.replace(tzinfo=UTC) if DATE_ALONE.fullmatch(text.strip()) else in_utc(moment)


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC.

    Raises:
        Invalid: the moment has no zone, or lies outside the calendar once it is written in UTC.
    """
    if moment.tzinfo is None:
        raise Invalid(f"{moment.isoformat()!r} has no time zone; write it like {moment.isoformat()}Z.")
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):
        raise Invalid(f"{moment.isoformat()!r} lies outside the years 1 to 9999 in UTC.") from None


def microseconds(moment: datetime | str) -> int:
    """A moment as whole microseconds since 1970 UTC.

    Raises:
        Invalid: the text is not a moment, or the moment has no zone.

    >>> microseconds("1970-01-01T00:00:01Z"), microseconds(EPOCH)
    (1000000, 0)
    """
    stamp = moment_of(moment) if isinstance(moment, str) else in_utc(moment)
    return int((stamp - EPOCH) // MICROSECOND)


def from_microseconds(count: int) -> datetime:
    """The moment so many microseconds after 1970 UTC.

    >>> from_microseconds(1_000_000).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    return EPOCH + timedelta(microseconds=int(count))
