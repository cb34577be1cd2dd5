"""Spines: which accounts are looked at, at which moments."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from features.activity.bounds import is_within_calendar
from features.kernel.errors import Invalid
from features.kernel.folders import require_file
from features.kernel.moments import in_utc, moment_of

WEEK = timedelta(days=7)
EXAMPLE = "2025-05-30T03:12:00Z"


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
        Invalid: it is a folder, or the file cannot be read or is no spine.
    """
    require_file(path, "a spine: a Parquet or CSV file of account_id and as_of")
    try:
        frame = (
            pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
            if path.suffix == ".csv"
            else pd.read_parquet(path)
        )
    except pd.errors.EmptyDataError as error:
        raise Invalid(
            f"{path.name} is empty; a spine has a header row and the columns account_id and as_of."
        ) from error
    except (ValueError, OSError, pa.ArrowException) as error:
        raise Invalid(f"{path.name} cannot be read as a spine: {str(error).splitlines()[0]}") from error
    if "as_of" in frame.columns:
        frame["as_of"] = _localised(frame["as_of"])
    return checked_spine(frame)


def checked_spine(spine: pd.DataFrame) -> pd.DataFrame:
    """The spine's own columns, typed: account_id as text, as_of in UTC.

    Raises:
        Invalid: a column is missing, a moment cannot be read, or an event_id is blank or repeated.
    """
    for column in ("account_id", "as_of"):
        if column not in spine.columns:
            raise Invalid(f"The spine has no column {column!r}; it requires account_id, as_of and optionally event_id.")
    names = [name for name in ("account_id", "as_of", "event_id") if name in spine.columns]
    checked = spine[names].reset_index(drop=True).copy()
    if checked["account_id"].isna().any() or checked["as_of"].isna().any():
        raise Invalid("The spine has a row without account_id or as_of; every row requires both.")
    checked["account_id"] = checked["account_id"].astype(str)
    checked["as_of"] = utc_moments(checked["as_of"])
    if "event_id" in checked.columns:
        _require_events(checked)
    return checked


def _require_events(spine: pd.DataFrame) -> None:
    """Checks that no event is blank and that no two rows judge one event at one moment; null stands for no event.

    Raises:
        Invalid: one of the two.
    """
    events = spine["event_id"].astype("string")
    blank = (events.str.strip() == "").fillna(False)
    if blank.any():
        raise Invalid(
            f"The spine has a blank event_id in {blank.sum():,} rows, the first is row {int(blank.argmax()) + 1}; "
            "write the id of the event, or null where a row judges none."
        )
    named = spine[events.notna()]
    repeated = named[named.duplicated()]
    if len(repeated):
        row = repeated.iloc[0]
        raise Invalid(
            f"The spine has {len(repeated):,} rows that repeat the event_id of the same account and moment, for "
            f"instance {row['event_id']!r} of {row['account_id']!r}; give each event one row a moment."
        )


def utc_moments(times: pd.Series) -> pd.Series:
    """Moments in UTC, from timestamps or from text in ISO 8601; where there is none, NaT.

    Raises:
        Invalid: a moment has no time zone, or is a number, which would have to be guessed.
    """
    given = times[times.notna()]
    if not len(given):
        return pd.Series(pd.NaT, times.index, "datetime64[us, UTC]", times.name)
    if is_datetime64_any_dtype(times):
        if times.dt.tz is None:
            raise Invalid(f"The column {times.name} has no time zone; write .dt.tz_localize('UTC') if it is in UTC.")
        return pd.to_datetime(times, utc=True).dt.as_unit("us")
    if is_numeric_dtype(times):
        raise Invalid(f"The column {times.name} holds numbers ({given.iloc[0]}); write moments like {EXAMPLE}.")
    read = {value: _moment_of_cell(value) for value in given.unique()}
    return times.map(read).astype("datetime64[us, UTC]")


def _moment_of_cell(value: object) -> pd.Timestamp:
    if isinstance(value, datetime):
        return pd.Timestamp(in_utc(value)).as_unit("us")
    return moment(str(value))


def _localised(as_of: pd.Series) -> pd.Series:
    """The moments of a file: there, what has no time zone is in UTC, as the activity contract says."""
    if is_datetime64_any_dtype(as_of):
        return as_of.dt.tz_localize("UTC") if as_of.dt.tz is None else as_of
    return as_of.map(_with_zone, na_action="ignore")


def _with_zone(value: object) -> object:
    try:
        written = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
    except ValueError:  # said with the others when the spine is checked
        return value
    return written.replace(tzinfo=UTC) if isinstance(written, datetime) and written.tzinfo is None else written


def weekly_moments(first: pd.Timestamp, last: pd.Timestamp) -> list[pd.Timestamp]:
    """Every seventh midnight (UTC) back from the last moment, oldest first, while a week of history lies before it."""
    moments = []
    at = last.floor("D")
    while at - WEEK >= first:
        moments.append(at)
        at -= WEEK
    return moments[::-1]
