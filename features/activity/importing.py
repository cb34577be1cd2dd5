"""Imports a folder of activity: checks every row, sets bad ones aside with a reason, appends the good ones."""

from collections import Counter
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from features.activity.checking import checked_rows, sql_type
from features.activity.clocks import Clocks
from features.activity.files import (
    SourceFile,
    activity_folder,
    columns_renamed,
    files_not_read,
    files_of,
    identifier,
    open_file,
    quote,
    require_columns,
)
from features.activity.improbable import notices
from features.activity.judging import (
    RETRIED,
    Held,
    held_rows,
    judge_keys,
    refuse_unknown_accounts,
)
from features.activity.lake import Addition, Lake, Snapshot
from features.activity.mapping import Mapping
from features.activity.mapping.running import made_rows
from features.activity.memory import connect
from features.activity.quarantine import Quarantine
from features.activity.retrying import (
    collect_waiting,
    may_retry,
    no_longer_waiting,
    refused_otherwise,
    waiting_rows,
)
from features.activity.revisions import CLAIMED, REVISION, TIED_OWNERS, VERSIONED
from features.activity.schema import LABELS, TABLES, TIME, Table
from features.activity.temporary import remove_left_behind
from features.activity.undated import undated_notices
from features.kernel.errors import Invalid
from features.kernel.folders import require_file
from features.kernel.progress import Progress

UNDATED = "1970-01-01T00:00:00Z"
ALL_TABLES: dict[str, Table] = {**TABLES, LABELS.name: LABELS}
PARTIES = "(parties)"
BATCH_ROWS = 100_000
MAX_REASONS_TOLD = 3


@dataclass(frozen=True, slots=True)
class Source:
    """Rows offered for one table: SQL that yields them, their engine types, and the file they come from."""

    table: Table
    relation: str
    columns: dict[str, str]
    origin: str


@dataclass(frozen=True, slots=True)
class TableReport:
    """What became of the rows of one table: `read = accepted + superseding + duplicates + quarantined`.

    Attributes:
        read: rows in the files.
        accepted: rows of a key that was not known.
        superseding: rows that hold instead of an earlier one of their key from then on.
        duplicates: rows that say what is known already.
        quarantined: rows set aside, by `reasons`.
        released: rows set aside by earlier imports that this one accepted.
        redated: of those that went into the lake, rows that claim to be older than what it held, known from now on.
    """

    read: int = 0
    accepted: int = 0
    superseding: int = 0
    duplicates: int = 0
    quarantined: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    released: int = 0
    redated: int = 0


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The import as a whole.

    Attributes:
        lake_version: the lake version after it.
        tables: what became of each table's rows.
        notices: what somebody should look at: files not read, improbable moments, values that many accounts share.
        files: the files that were read.
    """

    lake_version: str | None
    tables: dict[str, TableReport]
    notices: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def nothing_accepted(self) -> str | None:
        """Where not one row was accepted or known already, the sentence that says why."""
        reports = self.tables.values()
        if any(r.accepted + r.superseding + r.duplicates + r.released for r in reports):
            return None
        files = ", ".join(self.files)
        if not any(r.read for r in reports):
            return f"Nothing was accepted: {files} hold no rows. Check that the export is complete."
        counted = Counter({(name, why): n for name, r in self.tables.items() for why, n in r.reasons.items()})
        reasons = "; ".join(f"{n:,} of {name}: {why}" for (name, why), n in counted.most_common(MAX_REASONS_TOLD))
        read = sum(r.read for r in reports)
        return (
            f"Nothing was accepted of the {read:,} rows in {files}. The commonest reasons: {reasons}. "
            "Mend the export or its mapping and import it again; `mscore quarantine list` shows the rows."
        )


class NoKnownTable(Invalid):
    """The folder holds no table of ours."""


class Import:
    """One import on its way from files to the lake; nothing is appended before every table has been checked."""

    def __init__(
        self,
        lake: Lake,
        quarantine: Quarantine,
        imported_at: datetime,
        progress: Progress,
        *,
        as_history: bool = False,
        source: str | None = None,
        before_pinning: Callable[[Snapshot], None] = lambda _snapshot: None,
    ) -> None:
        self.lake, self.quarantine, self.imported_at, self.progress = lake, quarantine, imported_at, progress
        self.notices: list[str] = []
        self.as_history, self.source, self.before_pinning = as_history, source, before_pinning
        self.engine = connect()
        remove_left_behind()

    def folder(self, folder: Path) -> ImportReport:
        """Imports a folder that holds our own tables."""
        folder = activity_folder(folder)
        sources = [
            self._source(table, open_file(self.engine, path, table))
            for table in ALL_TABLES.values()
            for path in files_of(folder, table.name)
        ]
        self.notices += files_not_read(folder, ALL_TABLES)
        if not sources:
            names = ", ".join(f"{name}.parquet" for name in list(TABLES)[:4])
            raise NoKnownTable(
                f"{folder} holds none of our tables ({names} …), only {_listed(folder)}; for a foreign export give "
                "--mapping."
            )
        return self._run(sources, accounts_from=None)

    def mapped(self, folder: Path, mapping: Mapping) -> ImportReport:
        """Imports a foreign folder through a mapping."""
        memory = self.engine.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
        with made_rows(mapping, folder, memory) as made:
            sources = [Source(rows.table, rows.relation, rows.columns, rows.origin) for rows in made]
            return self._run(sources, mapping.accounts_from)

    def labels(self, path: Path) -> ImportReport:
        """Imports one file of labels; labels without a date are known from the start."""
        require_file(path, "one Parquet or CSV file of labels")
        file = open_file(self.engine, path, LABELS)
        defaults = {"known_at": UNDATED, "source": "external"}
        missing = {name: value for name, value in defaults.items() if name not in file.columns}
        require_columns(file, LABELS, missing)
        extra = "".join(f", {quote(value)} AS {identifier(name)}" for name, value in missing.items())
        columns = {**file.columns, **dict.fromkeys(missing, "VARCHAR")}
        relation = f"(SELECT *{extra} FROM {file.relation})"
        return self._run([Source(LABELS, relation, columns, path.name)], accounts_from=None)

    def _source(self, table: Table, file: SourceFile) -> Source:
        require_columns(file, table)
        self.notices += columns_renamed(file)
        return Source(table, file.relation, file.columns, file.path.name)

    def _run(self, sources: list[Source], accounts_from: Dictionary[str, str] | None) -> ImportReport:
        with self.lake.locked() as staging:
            self.engine.execute(f"SET temp_directory = {quote(str(staging))}")
            self.engine.execute(f"ATTACH {quote(str(staging / 'import.duckdb'))} AS staging")
            self.engine.execute("USE staging")
            try:
                return self._run_alone(sources, accounts_from)
            finally:
                self.engine.close()
                self.engine = connect()

    def _run_alone(self, sources: list[Source], accounts_from: Dictionary[str, str] | None) -> ImportReport:
        self.quarantine.settle(self.engine, self.lake.next_version - 1)
        snapshot = self.lake.snapshot() if self.lake.version else None
        earlier_files: Held = snapshot.files if snapshot else {}
        retried = self._retried()
        tables = {source.table.name: source.table for source in (*sources, *retried)}
        if accounts_from is not None:
            tables["accounts"] = TABLES["accounts"]
        for position, table in enumerate(tables.values()):
            self.progress(f"checking {table.name}", 0.5 * position / len(tables))
            self._check(table, [s for s in (*sources, *retried) if s.table.name == table.name])
        if accounts_from is not None:
            self._make_accounts(tables, accounts_from, earlier_files)
        clocks = self._clocks(tables, snapshot)
        for table in tables.values():
            refuse_unknown_accounts(self.engine, table, earlier_files)
            judge_keys(self.engine, table, earlier_files, clocks)
        reports = {name: self._report(table, clocks) for name, table in tables.items()}
        self.notices += notices(self.engine, tables) + undated_notices(self.engine, tables, clocks)
        version = self._append(tables, reports, clocks)
        files = tuple(dict.fromkeys(source.origin for source in sources))
        return ImportReport(version, reports, tuple(self.notices), files)

    def _retried(self) -> list[Source]:
        tables = [ALL_TABLES[name] for name in collect_waiting(self.engine, self.quarantine)]
        return [
            Source(table, waiting_rows(table), {c.name: "VARCHAR" for c in table.columns}, RETRIED) for table in tables
        ]

    def _check(self, table: Table, sources: list[Source]) -> None:
        names = ", ".join(f"{identifier(c.name)} {sql_type(c)}" for c in table.columns)
        self.engine.execute(
            f"CREATE TABLE checked_{table.name} ({names}, _origin VARCHAR, _row BIGINT, _reason VARCHAR, "
            "_original VARCHAR)"
        )
        for source in sources:
            self._insert(source)

    def _insert(self, source: Source) -> None:
        rows = checked_rows(source.table, source.relation, source.columns, source.origin, self.imported_at)
        try:
            self.engine.execute(f"INSERT INTO checked_{source.table.name} {rows}")
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            what = f"{source.origin} cannot be read as {source.table.name}"
            raise Invalid(f"{what}: {reason} Nothing was imported.") from error

    def _make_accounts(self, tables: dict[str, Table], given: Dictionary[str, str], files: Held) -> None:
        parties = " UNION ALL ".join(
            f"SELECT {c.name} AS account_id, {t.time} AS created_at FROM checked_{t.name} WHERE _reason IS NULL"
            for t in tables.values()
            if t.name != LABELS.name
            for c in t.columns
            if c.kind == "account"
        )
        columns = "".join(f", {quote(value)} AS {identifier(name)}" for name, value in given.items())
        earlier_rows = held_rows(self.engine, TABLES["accounts"], files)
        earlier = f"SELECT account_id FROM {earlier_rows} UNION ALL " if earlier_rows else ""
        relation = (
            f"(SELECT account_id, min(created_at) AS created_at{columns}, 0 AS _row FROM ({parties}) AS party "
            f"WHERE account_id IS NOT NULL AND NOT EXISTS (FROM ({earlier} SELECT account_id FROM checked_accounts "
            "WHERE _reason IS NULL) AS known WHERE known.account_id = party.account_id) "
            "GROUP BY account_id ORDER BY account_id)"
        )
        types = {"account_id": "VARCHAR", "created_at": "TIMESTAMP WITH TIME ZONE", **dict.fromkeys(given, "VARCHAR")}
        self._insert(Source(TABLES["accounts"], relation, types, PARTIES))

    def _clocks(self, tables: dict[str, Table], snapshot: Snapshot | None) -> Clocks:
        """How this import's rows are dated; what an older version of the lake did not write down is looked up."""
        earlier_tables = [name for name in (snapshot.files if snapshot else {}) if name in TABLES]
        if self.as_history or not earlier_tables or snapshot is None:
            return Clocks(self.imported_at, is_history=True)
        newest = dict(snapshot.newest_ingested_us)
        bound = Clocks(self.imported_at, is_history=True)
        for name in (name for name in earlier_tables if name in tables and name not in newest):
            rows = held_rows(self.engine, tables[name], snapshot.files)
            query = f"SELECT {bound.newest(tables[name], 'ingested_at')} FROM {rows}"
            ((newest[name],),) = self.engine.execute(query).fetchall()
        return Clocks(self.imported_at, is_history=False, newest_held_us=newest)

    def _judged(self, table: Table, clocks: Clocks) -> str:
        """SQL of the checked rows beside what was found of them: `_kind` and whether they are redated."""
        return (
            f"(SELECT c.*, coalesce(v.{REVISION}, 0) AS {REVISION}, v._owners, "
            f"({clocks.is_redated(table)}) OR coalesce(v._redated, false) AS _redated, "
            f"c._origin = {quote(RETRIED)} AS _again, "
            f"CASE WHEN _reason IS NOT NULL THEN 'quarantined' WHEN v._verdict = 'duplicate' THEN 'duplicate' "
            f"WHEN v.{REVISION} > 0 THEN 'superseding' ELSE 'accepted' END AS _kind "
            f"FROM checked_{table.name} AS c LEFT JOIN verdict_{table.name} AS v ON v._id = c.rowid)"
        )

    def _report(self, table: Table, clocks: Clocks) -> TableReport:
        is_accepted = "_kind IN ('accepted', 'superseding')"
        counted = self.engine.execute(
            "SELECT count(*) FILTER (NOT _again), "
            + ", ".join(
                f"count(*) FILTER (NOT _again AND _kind = {quote(kind)})"
                for kind in ("accepted", "superseding", "duplicate", "quarantined")
            )
            + ", count(*) FILTER (_again AND _kind <> 'quarantined'), "
            f"count(*) FILTER ({is_accepted} AND _redated) FROM {self._judged(table, clocks)}"
        ).fetchall()
        read, accepted, superseding, duplicates, quarantined, released, redated = counted[0]
        reasons = self.engine.execute(
            f"SELECT _reason, count(*) AS n FROM checked_{table.name} WHERE _origin <> '{RETRIED}' "
            "AND _reason IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1"
        ).fetchall()
        redated = 0 if clocks.is_history else redated
        return TableReport(
            read, accepted, superseding, duplicates, quarantined, dict(reasons), released=released, redated=redated
        )

    def _append(self, tables: dict[str, Table], reports: dict[str, TableReport], clocks: Clocks) -> str | None:
        """Appends what was accepted and sets aside the rest; both count, or neither, once the manifest says so."""
        changed_tables = [name for name, r in reports.items() if r.accepted + r.superseding + r.released]
        version = self.lake.next_version if changed_tables else self.lake.next_version - 1
        set_aside = self._set_aside(tables)
        with self.quarantine.adding(self.engine, set_aside, no_longer_waiting(tables), version):
            if changed_tables:
                additions = self._additions([tables[name] for name in changed_tables], clocks)
                return self.lake.append(additions, self.imported_at, self.source, self.before_pinning)
        return self.lake.version

    def _additions(self, tables: list[Table], clocks: Clocks) -> Iterator[tuple[str, Addition]]:
        for position, table in enumerate(tables):
            self.progress(f"appending {table.name}", 0.5 + 0.5 * position / len(tables))
            dated = clocks.dated(table, "_redated")
            rows = f"FROM {self._judged(table, clocks)} WHERE _kind IN ('accepted', 'superseding')"
            cancelled = "cancelled" if any(c.name == "cancelled" for c in table.columns) else "false"
            ((count, corrections, newest),) = self.engine.execute(
                f"SELECT count(*), count(*) FILTER ({REVISION} > 0 OR {cancelled}), "
                f"{clocks.newest(table, dated)} {rows}"
            ).fetchall()
            if count:
                yield table.name, Addition(self._reader(table, dated, rows), corrections, newest)

    def _reader(self, table: Table, dated: str, rows: str) -> pa.RecordBatchReader:
        """The rows as the lake keeps them, those of an account together and in the order of time."""
        names = [c.name for c in table.columns]
        columns = ", ".join(f"{dated} AS ingested_at" if n == "ingested_at" else identifier(n) for n in names)
        schema = table.arrow_schema.append(pa.field(REVISION, pa.int64())).append(pa.field(CLAIMED, TIME))
        owners = ""
        if table.name == VERSIONED:
            schema = schema.append(pa.field(TIED_OWNERS, pa.list_(pa.string())))
            owners = f", _owners AS {TIED_OWNERS}"
        order = ", ".join(identifier(n) for n in ("account_id", table.time) if n in names)
        claimed = f"CASE WHEN ({dated}) IS DISTINCT FROM ingested_at THEN ingested_at END AS {CLAIMED}"
        query = f"SELECT {columns}, {REVISION}, {claimed}{owners} {rows} ORDER BY {order}"
        return self.engine.sql(query).to_arrow_reader(BATCH_ROWS).cast(schema)

    def _set_aside(self, tables: dict[str, Table]) -> str:
        stamp = f"{quote(self.imported_at.isoformat())}::TIMESTAMPTZ AS quarantined_at"
        refused = " UNION ALL ".join(
            f'SELECT {quote(name)} AS "table", _origin AS origin, _row AS row_number, _reason AS reason, '
            f"{may_retry('_reason')} AS retry, _original AS original, {stamp} FROM checked_{name} "
            f"WHERE _reason IS NOT NULL AND _origin <> '{RETRIED}'"
            for name in tables
        )
        return f"{refused} UNION ALL {refused_otherwise(tables)}"


def _listed(folder: Path) -> str:
    """The first names in a folder."""
    names = sorted(path.name for path in folder.iterdir())
    return ", ".join(names[:MAX_REASONS_TOLD]) + (" …" if len(names) > MAX_REASONS_TOLD else "") if names else "nothing"
