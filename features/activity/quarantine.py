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
WHOLE = ".whole.parquet"
MAX_PARTS = 32
NUMBER = "coalesce(TRY_CAST(regexp_extract(filename, '([0-9]+)(\\.whole)?\\.parquet$', 1) AS BIGINT), 0)"
"""The number in the name of a file; the first one has none."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The rows set aside so far: one Parquet file an import, numbered, that says what came and what was `released`.

    A file is written before the lake's manifest names the import, as `pending`, and counts once it is settled. Of
    many files one is made, `whole`, which stands for all of its number and below.
    """

    folder: Path

    @property
    def relation(self) -> str:
        """SQL that gives the rows set aside and not released since, each once, in the order in which they came."""
        files = self._files()
        if not files:
            empty = ", ".join(f"CAST(NULL AS {_sql_type(field)}) AS {identifier(field.name)}" for field in SCHEMA)
            return f"(SELECT {empty} WHERE false)"
        listed = ", ".join(quote(str(path)) for path in files)
        read = f"read_parquet([{listed}], union_by_name = true, filename = true, file_row_number = true)"
        parts = (
            f"(SELECT *, {NUMBER} AS _part, file_row_number AS _place "
            f"FROM (SELECT NULL::BOOLEAN AS released WHERE false UNION ALL BY NAME FROM {read}))"
        )
        releases = f'SELECT "table", original, max(_part) AS _released_in FROM {parts} WHERE released GROUP BY ALL'
        return (
            f'(SELECT {COLUMNS} FROM {parts} LEFT JOIN ({releases}) USING ("table", original) '
            "WHERE released IS NOT TRUE AND NOT (retry AND coalesce(_released_in > _part, false)) "
            "ORDER BY _part, _place)"
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

    def settle(self, connection: duckdb.DuckDBPyConnection, lake_version: int) -> None:
        """Ends what an interrupted import left: it counts if the lake holds that import, and is removed if not.

        Of more than `MAX_PARTS` files one is made. They stay until the next time: somebody may be reading them.
        """
        for path in sorted(self.folder.glob(f"*.{PENDING}")):
            number, version = path.stem.split("-")
            if int(version) <= lake_version:
                path.replace(self.folder / f"{number}.parquet")
            else:
                path.unlink()
        for path in self.folder.glob("*.partial"):
            path.unlink()
        for path in set(self._all_files()) - set(self._files()):
            path.unlink()
        if len(self._files()) > MAX_PARTS:
            self._unite(connection)

    def _unite(self, connection: duckdb.DuckDBPyConnection) -> None:
        number = _number(self._files()[-1])
        partial = self.folder / f"{number:08d}.partial"
        connection.execute(f"COPY (SELECT {COLUMNS}, false AS released FROM {self.relation}) {_to(partial)}")
        make_durable(partial)
        partial.replace(self.folder / f"{number:08d}{WHOLE}")
        make_durable(self.folder)

    @contextmanager
    def adding(
        self, connection: duckdb.DuckDBPyConnection, rows: str, released: str, lake_version: int
    ) -> Iterator[None]:
        """Sets rows aside and releases others if the body, which makes a lake version of the import, succeeds.

        A row that lies there already with the same content and reason is kept once.

        Args:
            connection: where the SQL runs.
            rows: SQL that gives the columns of `SCHEMA`.
            released: SQL that gives `table` and `original` of rows that no longer wait for a retry as they did.
            lake_version: the version that the body makes.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        number = max(map(_number, self._files()), default=0) + 1
        partial = self.folder / f"{number:08d}.partial"
        same = " AND ".join(f"kept.{name} = came.{name}" for name in ('"table"', "original", "reason"))
        already = f"SELECT 1 FROM {self.relation} AS kept WHERE {same}"
        connection.execute(
            f"COPY (SELECT {COLUMNS}, false AS released FROM ({rows}) AS came WHERE NOT EXISTS ({already}) "
            f'UNION ALL BY NAME SELECT "table", original, true AS released FROM ({released})) '
            f"{_to(partial)}"
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

    def _files(self) -> list[Path]:
        """The files that count, in the order in which they were written."""
        files = self._all_files()
        begins = max((place for place, path in enumerate(files) if path.name.endswith(WHOLE)), default=0)
        return files[begins:]

    def _all_files(self) -> list[Path]:
        numbered = self.folder.glob("[0-9]*.parquet")
        first = self.folder / FIRST_FILE
        ordered = sorted(numbered, key=lambda path: (_number(path), path.name.endswith(WHOLE)))
        return [first, *ordered] if first.is_file() else ordered


def _number(path: Path) -> int:
    return 0 if path.name == FIRST_FILE else int(path.name.partition(".")[0])


def _to(path: Path) -> str:
    return f"TO {quote(str(path))} (FORMAT parquet, COMPRESSION zstd)"


def _sql_type(field: pa.Field) -> str:
    names = {pa.int64(): "BIGINT", pa.bool_(): "BOOLEAN", TIME: "TIMESTAMPTZ"}
    return names.get(field.type, "VARCHAR")
