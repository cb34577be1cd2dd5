"""Keeps the rows that an import set aside, with their reason, until they can be accepted."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.activity.schema import TIME

SCHEMA = pa.schema(
    [
        ("table", pa.string()),
        ("origin", pa.string()),
        ("row_number", pa.int64()),
        ("reason", pa.string()),
        ("retry", pa.bool_()),
        ("original", pa.string()),
        ("quarantined_at", TIME),
    ]
)
IDENTITY = ("table", "original", "reason")


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The rows set aside so far, in one Parquet file that is only ever replaced whole."""

    folder: Path

    @property
    def _path(self) -> Path:
        return self.folder / "quarantine.parquet"

    def rows(self) -> pa.Table:
        """All rows set aside: table, origin, row_number, reason, retry, original (JSON), quarantined_at."""
        return pq.read_table(self._path, schema=SCHEMA) if self._path.is_file() else SCHEMA.empty_table()

    def to_retry(self) -> pa.Table:
        """The rows that a later import may accept, with their `position` among themselves."""
        rows = [row for row in self.rows().to_pylist() if row["retry"]]
        table = pa.Table.from_pylist(rows, SCHEMA)
        return table.append_column("position", pa.array(range(len(rows)), pa.int64()))

    def add(self, rows: pa.Table) -> None:
        """Sets rows aside; one that lies there already with the same content and reason is kept once."""
        kept = self.rows().to_pylist()
        there = {tuple(row[name] for name in IDENTITY) for row in kept}
        fresh = [row for row in rows.to_pylist() if tuple(row[name] for name in IDENTITY) not in there]
        if fresh:
            self._replace([*kept, *fresh])

    def release(self, released: Iterable[tuple[str, str]]) -> None:
        """Takes out the rows to be retried, given as (table, original), that an import has accepted meanwhile."""
        gone = set(released)
        if gone:
            rows = self.rows().to_pylist()
            self._replace([row for row in rows if not (row["retry"] and (row["table"], row["original"]) in gone)])

    def _replace(self, rows: list[dict[str, object]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), partial)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(self._path)
