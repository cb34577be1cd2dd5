"""What features are computed from: one fixed state of the activity tables, wherever they lie."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.types import is_datetime64_any_dtype

from features.activity.files import activity_folder, files_of, identifier
from features.activity.lake import Lake, Snapshot
from features.activity.revisions import (
    REVISION,
    is_revision,
    numbered,
    read_files,
    state_as_of,
    visible_from,
)
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
        corrected: the tables in files in which rows supersede or cancel others.
    """

    version: str
    tables: Mapping[str, Rows]
    derived: Path | None = None
    corrected: frozenset[str] = frozenset()

    @classmethod
    def from_lake(cls, lake: Lake) -> "Activity":
        """The newest state that the lake's manifest pins."""
        return cls.from_snapshot(lake.snapshot())

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot) -> "Activity":
        """One state of a lake."""
        tables = {name: files for name, files in snapshot.files.items() if name in TABLES}
        return cls(snapshot.version, tables, snapshot.derived, frozenset(snapshot.corrections))

    @classmethod
    def from_folder(cls, folder: Path | str) -> "Activity":
        """The Parquet files of a folder as they are; for data known to keep the contract, such as a simulation."""
        place = activity_folder(Path(folder))
        files = [path for name in TABLES for path in files_of(place, name)]
        if not files or any(path.suffix != ".parquet" for path in files):
            what = "is CSV" if files else "has no file named for one of our tables"
            raise Invalid(f"The folder {place} {what}; `mscore import` checks it first, then give Activity.from_lake.")
        return cls(str(place), {name: tuple(str(p) for p in files_of(place, name)) for name in TABLES})

    @classmethod
    def from_frames(cls, frames: Mapping[str, pd.DataFrame | pa.Table], version: str = "frames") -> "Activity":
        """Tables held in memory, for notebooks and tests; missing optional columns become null.

        Where rows of one key repeat, the later known one supersedes the earlier, as in a lake.
        """
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            tables = {n: numbered(connection, table(n), _conformed(frame, table(n))) for n, frame in frames.items()}
        return cls(version, tables)

    def relation(self, name: str) -> str | None:
        """SQL that reads all rows of a table kept in files, or None where it is in memory or empty."""
        rows = self.tables.get(name)
        return read_files(rows) if isinstance(rows, tuple) and rows else None

    def state(self, name: str, relation: str, given: Collection[str], moment: int | None = None) -> str:
        """SQL of what a table says as of a moment, with `known_from`; see `revisions.state_as_of`.

        Args:
            name: the table.
            relation: SQL that gives all its rows, from files or from where an engine registered them.
            given: the columns of that relation.
            moment: microseconds since 1970; None for what holds in the end.
        """
        if self.is_corrected(name):
            return state_as_of(table(name), relation, given, moment)
        return state_as_of(table(name), relation, set(given) - {REVISION, "cancelled"}, moment)

    def is_corrected(self, name: str) -> bool:
        """Whether rows of the table supersede or cancel others."""
        rows = self.tables.get(name)
        if not isinstance(rows, pa.Table):
            return name in self.corrected
        return REVISION in rows.column_names or bool(pc.any(rows.column("cancelled")).as_py())

    def revision_moments(self) -> list[int]:
        """The microseconds, ascending and each once, at which what an earlier row says changes.

        At each the first moment t is meant at which features see the correction: known by t, and happened before t.
        """
        moments: set[int] = set()
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for name in filter(self.is_corrected, self.tables):
                relation = self.relation(name)
                if relation is None:
                    connection.register(name, self.tables[name])
                    relation = identifier(name)
                given = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
                changes = is_revision(table(name), given)
                query = f"SELECT DISTINCT {visible_from(table(name), given)} FROM {relation} WHERE {changes}"
                moments |= {moment for (moment,) in connection.execute(query).fetchall()}
        return sorted(moments)


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
