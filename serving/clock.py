"""Moments: the one wall clock of the service, handed in at the edge, and how moments are written and read."""

from datetime import UTC, datetime

from features.errors import Invalid


def utc_now() -> datetime:
    """The present moment in UTC; only the edges (command line, application) call it."""
    return datetime.now(UTC)


def text_of(moment: datetime) -> str:
    """The moment as UTC ISO 8601 with microseconds and `Z`.

    >>> text_of(datetime(2025, 5, 31, 12, tzinfo=UTC))
    '2025-05-31T12:00:00.000000Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(text: str) -> datetime:
    """The moment an ISO 8601 text names; without a zone it is UTC.

    Raises:
        Invalid: the text names no moment.

    >>> moment_of("2025-05-31T14:00:00+02:00") == moment_of("2025-05-31 12:00:00")
    True
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"{text!r} is no moment; write it like 2025-05-31T12:00:00.000000Z.") from None
