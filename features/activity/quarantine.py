"""Keeps the rows that imports set aside, with their reason, until they can be accepted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.activity.durable import make_durable
from features.activity.files import identifier, quote
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
COLUMNS = ", ".join(identifier(name) for name in SCHEMA.names)
FIRST_FILE = "quarantine.parquet"
PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The rows set aside so far: one Parquet file an import, numbered, that says what came and what was `released`.

    A file is written before the lake's manifest names the import, as `pending`, and counts once it is settled.
    """

    folder: Path

    @property
    def relation(self) -> str:
        """SQL that gives the rows set aside and not released since, each once, in the order in which they came."""
        files = self._files()
        if not files:
            empty = ", ".join(f"CAST(NULL AS {_sql_type(field)}) AS {identifier(field.name)}" for field in SCHEMA)
            return f"(SELECT {empty} WHERE false)"
        parts = " UNION ALL BY NAME ".join(
            f"SELECT *, {number} AS _part, file_row_number AS _place "
            f"FROM read_parquet({quote(str(path))}, file_row_number = true)"
            for number, path in files.items()
        )
        rows = f"(SELECT * FROM (SELECT NULL::BOOLEAN AS released WHERE false UNION ALL BY NAME {parts}))"
        return (
            f"(SELECT {COLUMNS} FROM {rows} AS came WHERE released IS NOT TRUE AND NOT (retry AND EXISTS ("
            f'SELECT 1 FROM {rows} AS gone WHERE gone.released AND gone."table" = came."table" '
            "AND gone.original = came.original AND gone._part > came._part)) ORDER BY _part, _place)"
        )

    def rows(self, limit: int | None = None) -> pa.Table:
        """Rows set aside: table, origin, row_number, reason, retry, original (JSON), quarantined_at."""
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            bound = "" if limit is None else f" LIMIT {limit}"
            return connection.sql(f"SELECT * FROM {self.relation}{bound}").to_arrow_table().cast(SCHEMA)

    def count(self) -> int:
        """How many rows are set aside."""
        with duckdb.connect() as connection:
            ((count,),) = connection.execute(f"SELECT count(*) FROM {self.relation}").fetchall()
        return int(count)

    def settle(self, lake_version: int) -> None:
        """Ends what an interrupted import left: it counts if the lake holds that import, and is removed if not."""
        for path in sorted(self.folder.glob(f"*.{PENDING}")):
            number, version = path.stem.split("-")
            if int(version) <= lake_version:
                path.replace(self.folder / f"{number}.parquet")
            else:
                path.unlink()
        for path in self.folder.glob("*.partial"):
            path.unlink()

    @contextmanager
    def adding(
        self, connection: duckdb.DuckDBPyConnection, rows: str, released: str, lake_version: int
    ) -> Iterator[None]:
        """Sets rows aside and releases others if the body, which makes a lake version of the import, succeeds.

        A row that lies there already with the same content and reason is kept once.

        Args:
            connection: where the SQL runs.
            rows: SQL that gives the columns of `SCHEMA`.
            released: SQL that gives `table` and `original` of rows waiting for a retry that have been accepted.
            lake_version: the version that the body makes.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        number = max(self._files(), default=0) + 1
        partial = self.folder / f"{number:08d}.partial"
        same = " AND ".join(f"kept.{name} = came.{name}" for name in ('"table"', "original", "reason"))
        already = f"SELECT 1 FROM {self.relation} AS kept WHERE {same}"
        connection.execute(
            f"COPY (SELECT {COLUMNS}, false AS released FROM ({rows}) AS came WHERE NOT EXISTS ({already}) "
            f'UNION ALL BY NAME SELECT "table", original, true AS released FROM ({released})) '
            f"TO {quote(str(partial))} (FORMAT parquet, COMPRESSION zstd)"
        )
        if not pq.read_metadata(partial).num_rows:
            partial.unlink()
            yield
            return
        make_durable(partial)
        pending = self.folder / f"{number:08d}-{lake_version}.{PENDING}"
        partial.replace(pending)
        make_durable(self.folder)
        yield
        pending.replace(self.folder / f"{number:08d}.parquet")
        make_durable(self.folder)

    def _files(self) -> dict[int, Path]:
        first = self.folder / FIRST_FILE
        parts = {int(path.stem): path for path in sorted(self.folder.glob("[0-9]*.parquet"))}
        return ({0: first} if first.is_file() else {}) | parts


def _sql_type(field: pa.Field) -> str:
    names = {pa.int64(): "BIGINT", pa.bool_(): "BOOLEAN", TIME: "TIMESTAMPTZ"}
    return names.get(field.type, "VARCHAR")
