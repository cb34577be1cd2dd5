"""Imports a folder of activity: checks every row, sets bad ones aside with a reason, appends the good ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from features.activity.checking import checked_rows, sql_type
from features.activity.files import SourceFile, activity_folder, files_of, identifier, open_file, quote, require_columns
from features.activity.judging import RETRIED, UNKNOWN_ACCOUNT, lake_rows, refuse_known_keys, refuse_unknown_accounts
from features.activity.lake import Lake
from features.activity.mapping import Mapping
from features.activity.mapping.running import made_rows
from features.activity.quarantine import Quarantine
from features.activity.schema import LABELS, TABLES, Table
from features.errors import Invalid

UNDATED = "1970-01-01T00:00:00Z"
PARTIES = "(parties)"
ALL_TABLES: dict[str, Table] = {**TABLES, LABELS.name: LABELS}

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Source:
    """Rows offered for one table: SQL that yields them, their engine types, and the file they come from."""

    table: Table
    relation: str
    columns: dict[str, str]
    origin: str


@dataclass(slots=True)
class TableReport:
    """What became of the rows of one table; `read = accepted + duplicates + quarantined`."""

    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    released: int = 0


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The import as a whole: the lake version after it and what became of each table's rows."""

    lake_version: str | None
    tables: dict[str, TableReport]


class Import:
    """One import on its way from files to the lake; nothing is appended before every table has been checked."""

    def __init__(self, lake: Lake, quarantine: Quarantine, imported_at: datetime, progress: Progress) -> None:
        self.lake, self.quarantine, self.imported_at, self.progress = lake, quarantine, imported_at, progress
        self.waiting = pa.table({})
        self.engine = duckdb.connect()
        self.engine.execute("SET TimeZone = 'UTC'")

    def folder(self, folder: Path) -> ImportReport:
        """Imports a folder that holds our own tables."""
        folder = activity_folder(folder)
        sources = [
            self._source(table, open_file(self.engine, path))
            for table in ALL_TABLES.values()
            for path in files_of(folder, table.name)
        ]
        if not sources:
            names = ", ".join(f"{name}.parquet" for name in list(TABLES)[:4])
            raise Invalid(f"{folder} holds none of our tables ({names} …); for a foreign export give --mapping.")
        return self._run(sources, accounts_from=None)

    def mapped(self, folder: Path, mapping: Mapping) -> ImportReport:
        """Imports a foreign folder through a mapping."""
        memory = self.engine.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
        with made_rows(mapping, folder, memory) as made:
            sources = [Source(rows.table, rows.relation, rows.columns, rows.origin) for rows in made]
            return self._run(sources, mapping.accounts_from)

    def labels(self, path: Path) -> ImportReport:
        """Imports one file of labels; labels without a date are known from the start."""
        if not path.is_file():
            raise Invalid(f"There is no file {path}; give a Parquet or CSV file of labels.")
        file = open_file(self.engine, path)
        defaults = {"known_at": UNDATED, "source": "external"}
        missing = {name: value for name, value in defaults.items() if name not in file.columns}
        require_columns(file, LABELS, missing)
        extra = "".join(f", {quote(value)} AS {identifier(name)}" for name, value in missing.items())
        columns = {**file.columns, **dict.fromkeys(missing, "VARCHAR")}
        relation = f"(SELECT *{extra} FROM {file.relation})"
        return self._run([Source(LABELS, relation, columns, path.name)], accounts_from=None)

    def _source(self, table: Table, file: SourceFile) -> Source:
        require_columns(file, table)
        return Source(table, file.relation, file.columns, file.path.name)

    def _run(self, sources: list[Source], accounts_from: dict[str, str] | None) -> ImportReport:
        with self.lake.locked():
            return self._run_alone(sources, accounts_from)

    def _run_alone(self, sources: list[Source], accounts_from: dict[str, str] | None) -> ImportReport:
        self.waiting = self.quarantine.to_retry()
        retried = list(self._retried())
        tables = {source.table.name: source.table for source in (*sources, *retried)}
        if accounts_from is not None:
            tables["accounts"] = TABLES["accounts"]
        for position, table in enumerate(tables.values()):
            self.progress(f"checking {table.name}", 0.5 * position / len(tables))
            self._check(table, [s for s in (*sources, *retried) if s.table.name == table.name])
        if accounts_from is not None:
            self._make_accounts(tables, accounts_from)
        for table in tables.values():
            refuse_unknown_accounts(self.engine, table, self.lake)
            refuse_known_keys(self.engine, table, self.lake)
        reports = {name: self._report(name) for name in tables}
        version = self._append(tables)
        return ImportReport(version, reports)

    def _retried(self) -> Iterator[Source]:
        self.engine.register("waiting", self.waiting)
        for name in sorted(set(self.waiting["table"].to_pylist())):
            table = ALL_TABLES[name]
            columns = ", ".join(f"json_extract_string(original, '$.{c.name}') AS {c.name}" for c in table.columns)
            relation = f'(SELECT {columns}, position AS _row FROM waiting WHERE "table" = {quote(name)})'
            yield Source(table, relation, {c.name: "VARCHAR" for c in table.columns}, RETRIED)

    def _check(self, table: Table, sources: list[Source]) -> None:
        names = ", ".join(f"{identifier(c.name)} {sql_type(c)}" for c in table.columns)
        self.engine.execute(
            f"CREATE TEMP TABLE checked_{table.name} ({names}, _origin VARCHAR, _row BIGINT, _reason VARCHAR, "
            "_original VARCHAR)"
        )
        for source in sources:
            rows = checked_rows(table, source.relation, source.columns, source.origin)
            try:
                self.engine.execute(f"INSERT INTO checked_{table.name} {rows}")
            except duckdb.Error as error:
                reason = str(error).splitlines()[0]
                raise Invalid(f"{source.origin} cannot be read as {table.name}: {reason} Nothing imported.") from error

    def _make_accounts(self, tables: dict[str, Table], given: dict[str, str]) -> None:
        """Accounts of the parties that neither the lake nor this import knows, checked like every other row."""
        parties = " UNION ALL ".join(
            f"SELECT {c.name} AS account_id, {t.time} AS created_at FROM checked_{t.name} WHERE _reason IS NULL"
            for t in tables.values()
            if t.name != LABELS.name
            for c in t.columns
            if c.kind == "account"
        )
        columns = "".join(f", {quote(value)} AS {identifier(name)}" for name, value in given.items())
        held = lake_rows(self.lake, "accounts", "account_id")
        known = " UNION ALL ".join(filter(None, (held, "SELECT account_id FROM checked_accounts")))
        relation = (
            f"(SELECT account_id, min(created_at) AS created_at{columns}, 0 AS _row FROM ({parties}) AS party "
            f"WHERE account_id IS NOT NULL AND NOT EXISTS (FROM ({known}) AS known "
            "WHERE known.account_id = party.account_id) GROUP BY account_id ORDER BY account_id)"
        )
        types = {"account_id": "VARCHAR", "created_at": "TIMESTAMP WITH TIME ZONE", **dict.fromkeys(given, "VARCHAR")}
        rows = checked_rows(TABLES["accounts"], relation, types, PARTIES)
        self.engine.execute(f"INSERT INTO checked_accounts {rows}")

    def _report(self, table: str) -> TableReport:
        fresh = f"_origin <> '{RETRIED}'"
        same = f"rowid IN (SELECT _id FROM refused_{table} WHERE _same)"
        counted = self.engine.execute(
            f"SELECT count(*) FILTER ({fresh}), count(*) FILTER ({fresh} AND _reason IS NOT NULL), "
            f"count(*) FILTER ({fresh} AND _reason IS NULL AND {same}), "
            f"count(*) FILTER (NOT {fresh} AND _reason IS NULL) FROM checked_{table}"
        ).fetchall()
        read, quarantined, duplicates, released = counted[0]
        reasons = self.engine.execute(
            f"SELECT _reason, count(*) AS n FROM checked_{table} WHERE {fresh} AND _reason IS NOT NULL "
            "GROUP BY 1 ORDER BY n DESC, 1"
        ).fetchall()
        accepted = read - quarantined - duplicates
        return TableReport(read, accepted, duplicates, quarantined, dict(reasons), released)

    def _append(self, tables: dict[str, Table]) -> str | None:
        self.quarantine.add(self._set_aside(tables))
        good: dict[str, pa.Table] = {}
        for position, (name, table) in enumerate(tables.items()):
            self.progress(f"appending {name}", 0.5 + 0.5 * position / len(tables))
            columns = ", ".join(identifier(c.name) for c in table.columns)
            order = ", ".join(c for c in ("account_id", table.time) if c and any(x.name == c for x in table.columns))
            rows = f"FROM checked_{name} WHERE _reason IS NULL AND rowid NOT IN (SELECT _id FROM refused_{name})"
            found = self.engine.execute(f"SELECT count(*) {rows}").fetchall()
            if found[0][0]:
                query = f"SELECT {columns} {rows} ORDER BY {order}"
                good[name] = self.engine.sql(query).to_arrow_table().cast(table.arrow_schema)
        version = self.lake.append(good, self.imported_at) if good else self.lake.version
        self.quarantine.release(self._released(tables))
        return version

    def _set_aside(self, tables: dict[str, Table]) -> pa.Table:
        selects = " UNION ALL ".join(
            f'SELECT {quote(name)} AS "table", _origin AS origin, _row AS row_number, _reason AS reason, '
            f"_reason LIKE '%{UNKNOWN_ACCOUNT}' AS retry, _original AS original FROM checked_{name} "
            f"WHERE _reason IS NOT NULL AND _origin <> '{RETRIED}'"
            for name in tables
        )
        rows = self.engine.sql(selects).to_arrow_table()
        stamps = pa.array([self.imported_at] * rows.num_rows, pa.timestamp("us", tz="UTC"))
        return rows.append_column("quarantined_at", stamps)

    def _released(self, tables: dict[str, Table]) -> list[tuple[str, str]]:
        positions = " UNION ALL ".join(
            f"SELECT _row FROM checked_{name} WHERE _origin = '{RETRIED}' AND _reason IS NULL" for name in tables
        )
        waiting = self.waiting.to_pylist()
        released = (waiting[position] for (position,) in self.engine.execute(positions).fetchall())
        return [(row["table"], row["original"]) for row in released]
