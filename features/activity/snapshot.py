"""What features are computed from: one fixed state of the activity tables, wherever they lie."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import pandas as pd
import pyarrow as pa
from pandas.api.types import is_datetime64_any_dtype

from features.activity.files import activity_folder, files_of, quote
from features.activity.lake import Lake
from features.activity.schema import TABLES, Table, table
from features.kernel.errors import Invalid

Rows: TypeAlias = pa.Table | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """Activity tables, each in memory or in Parquet files; a table that is not named is empty.

    Attributes:
        version: names the state; the lake version where it comes from a lake.
        tables: table name -> Arrow table or Parquet files.
        derived: folder in which facts and episodes of this state may be kept, or None to keep nothing.
    """

    version: str
    tables: Mapping[str, Rows]
    derived: Path | None = None

    @classmethod
    def from_lake(cls, lake: Lake) -> "Activity":
        """The newest state that the lake's manifest pins."""
        snapshot = lake.snapshot()
        tables = {name: files for name, files in snapshot.files.items() if name in TABLES}
        return cls(snapshot.version, tables, snapshot.derived)

    @classmethod
    def from_folder(cls, folder: Path | str) -> "Activity":
        """The Parquet files of a folder as they are; for data known to keep the contract, such as a simulation."""
        place = activity_folder(Path(folder))
        found = [path for name in TABLES for path in files_of(place, name)]
        if not found or any(path.suffix != ".parquet" for path in found):
            what = "is CSV" if found else "has no file named for one of our tables"
            raise Invalid(f"The folder {place} {what}; `mscore import` checks it first, then give Activity.from_lake.")
        return cls(str(place), {name: tuple(str(p) for p in files_of(place, name)) for name in TABLES})

    @classmethod
    def from_frames(cls, frames: Mapping[str, pd.DataFrame | pa.Table], version: str = "frames") -> "Activity":
        """Tables held in memory, for notebooks and tests; missing optional columns become null."""
        return cls(version, {name: _conformed(frame, table(name)) for name, frame in frames.items()})

    def relation(self, name: str) -> str | None:
        """SQL that reads a table kept in files, or None where it is in memory or empty."""
        rows = self.tables.get(name)
        if not isinstance(rows, tuple) or not rows:
            return None
        return f"read_parquet([{', '.join(map(quote, rows))}], union_by_name = true)"


def _conformed(frame: pd.DataFrame | pa.Table, declared: Table) -> pa.Table:
    for column in declared.columns:
        if column.kind == "time" and column.name in _names(frame) and _is_naive(frame, column.name):
            raise Invalid(
                f"The column {column.name} of {declared.name} has no time zone; "
                "write .dt.tz_localize('UTC') if it is in UTC."
            )
    given = frame if isinstance(frame, pa.Table) else _arrow(frame)
    columns = [
        given.column(c.name).cast(c.arrow_type)
        if c.name in given.column_names
        else pa.nulls(given.num_rows, c.arrow_type)
        for c in declared.columns
    ]
    return pa.table(columns, schema=declared.arrow_schema)


def _names(frame: pd.DataFrame | pa.Table) -> Collection[str]:
    return frame.column_names if isinstance(frame, pa.Table) else list(frame.columns)


def _is_naive(frame: pd.DataFrame | pa.Table, name: str) -> bool:
    if isinstance(frame, pa.Table):
        kind = frame.schema.field(name).type
        return pa.types.is_timestamp(kind) and kind.tz is None
    times = frame[name]
    if is_datetime64_any_dtype(times):
        return times.dt.tz is None
    return any(isinstance(value, datetime) and value.tzinfo is None for value in times)


def _arrow(frame: pd.DataFrame) -> pa.Table:
    """The frame with its moments in UTC; pandas 3.1 warns where Arrow reads a column that still carries a zone."""
    zoned = frame.select_dtypes("datetimetz").columns
    plain = {name: frame[name].dt.tz_convert(None) for name in zoned}
    return pa.Table.from_pandas(frame.assign(**plain), preserve_index=False)
