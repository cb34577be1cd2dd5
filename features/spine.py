"""Spines: which accounts are looked at, at which moments."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from features.activity.bounds import is_within_calendar
from features.kernel.errors import Invalid, NotFound
from features.kernel.moments import moment_of

WEEK = timedelta(days=7)


def moment(text: str) -> pd.Timestamp:
    """A moment written as ISO 8601 with its zone, or a date alone.

    >>> moment("2025-05-30T03:12:00Z").isoformat()
    '2025-05-30T03:12:00+00:00'

    Raises:
        Invalid: the text is not a moment, or names a time of day without a zone.
    """
    stamp = moment_of(text)
    if not is_within_calendar(stamp):
        raise Invalid(f"{text!r} lies at the edge of the calendar; give a moment of the years 1900 to 9998.")
    return pd.Timestamp(stamp).as_unit("us")


def read_spine(path: Path) -> pd.DataFrame:
    """A spine file (Parquet or CSV) as a typed frame.

    Raises:
        NotFound: there is no such file.
        Invalid: the file cannot be read or is no spine.
    """
    if not path.is_file():
        raise NotFound(f"There is no spine file {path}; give a Parquet or CSV file of account_id and as_of.")
    try:
        frame = (
            pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
            if path.suffix == ".csv"
            else pd.read_parquet(path)
        )
    except (ValueError, OSError, pa.ArrowException) as error:
        raise Invalid(f"{path.name} cannot be read as a spine: {str(error).splitlines()[0]}") from error
    return checked_spine(frame)


def checked_spine(spine: pd.DataFrame) -> pd.DataFrame:
    """The spine's own columns, typed: account_id as text, as_of in UTC.

    Raises:
        Invalid: a column is missing or a moment cannot be read.
    """
    for column in ("account_id", "as_of"):
        if column not in spine.columns:
            raise Invalid(f"The spine has no column {column!r}; it wants account_id, as_of and optionally event_id.")
    names = [name for name in ("account_id", "as_of", "event_id") if name in spine.columns]
    checked = spine[names].reset_index(drop=True).copy()
    if checked["account_id"].isna().any() or checked["as_of"].isna().any():
        raise Invalid("The spine has a row without account_id or as_of; every row wants both.")
    checked["account_id"] = checked["account_id"].astype(str)
    checked["as_of"] = _moments(checked["as_of"])
    return checked


def _moments(as_of: pd.Series) -> pd.Series:
    """Moments in UTC, from timestamps or from text in ISO 8601; a number would have to be guessed."""
    if is_datetime64_any_dtype(as_of):
        if as_of.dt.tz is None:
            raise Invalid("The spine's as_of has no time zone; write spine['as_of'].dt.tz_localize('UTC').")
        return pd.to_datetime(as_of, utc=True).dt.as_unit("us")
    if len(as_of) and is_numeric_dtype(as_of):
        raise Invalid(f"The spine's as_of holds numbers ({as_of.iloc[0]}); it wants moments like 2025-05-30T03:12:00Z.")
    read = {value: moment(str(value)) for value in as_of.unique()}
    return as_of.map(read).astype("datetime64[us, UTC]")


def weekly_moments(first: pd.Timestamp, last: pd.Timestamp) -> list[pd.Timestamp]:
    """Every seventh midnight (UTC) back from the last moment, oldest first, while a week of history lies before it."""
    moments = []
    at = last.floor("D")
    while at - WEEK >= first:
        moments.append(at)
        at -= WEEK
    return moments[::-1]
