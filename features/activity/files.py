"""Finds and opens the files of an activity folder: Parquet or CSV, one file or one folder of files a table."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.activity.schema import Table
from features.kernel.errors import Invalid, NotFound

ENDINGS = (".parquet", ".csv")
DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a table with its columns and their engine types; `delimiter` matters for CSV only."""

    path: Path
    columns: dict[str, str]
    delimiter: str = ","

    @property
    def relation(self) -> str:
        """SQL that reads the file with its row number, as `_row`."""
        quoted = quote(str(self.path))
        if self.path.suffix == ".csv":
            names = ", ".join(f"{quote(name)}: 'VARCHAR'" for name in self.columns)
            dialect = f"delim = {quote(self.delimiter)}, quote = '\"', escape = '\"'"
            reader = f"read_csv({quoted}, header = true, auto_detect = false, {dialect}, columns = {{{names}}})"
            return f"(SELECT *, row_number() OVER () AS _row FROM {reader})"
        return (
            f"(SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS _row FROM "
            f"read_parquet({quoted}, file_row_number = true))"
        )


def quote(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def activity_folder(folder: Path) -> Path:
    """The folder that holds the tables: the given one, or its `activity` folder where a simulation was written.

    Raises:
        NotFound: there is no such folder.
    """
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}; give the folder that holds the exported tables.")
    inner = folder / "activity"
    return inner if inner.is_dir() else folder


def files_of(folder: Path, name: str) -> tuple[Path, ...]:
    """The files of one table, in a stable order; empty where the table is missing."""
    alone = [folder / f"{name}{ending}" for ending in ENDINGS if (folder / f"{name}{ending}").is_file()]
    parts = folder / name
    inside: Iterable[Path] = sorted(parts.rglob("*")) if parts.is_dir() else ()
    return (*alone, *(path for path in inside if path.suffix in ENDINGS and path.is_file()))


def open_file(connection: duckdb.DuckDBPyConnection, path: Path) -> SourceFile:
    """The file with its columns.

    Raises:
        Invalid: the file cannot be read.
    """
    if path.suffix == ".csv":
        return _open_csv(path)
    probe = SourceFile(path, {})
    try:
        described = connection.execute(f"DESCRIBE SELECT * EXCLUDE (_row) FROM {probe.relation}").fetchall()
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise Invalid(f"{path.name} cannot be read: {first} Nothing was imported.") from error
    return SourceFile(path, {name: kind for name, kind, *_ in described})


def _open_csv(path: Path) -> SourceFile:
    """The file with the columns of its header; the dialect is fixed there, because a guessed one loses rows."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
    except UnicodeDecodeError as error:
        raise Invalid(f"{path.name} cannot be read: it is not UTF-8 text. Nothing was imported.") from error
    delimiter = max(DELIMITERS, key=header.count)
    names = next(csv.reader([header], delimiter=delimiter), [])
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "" in names:
        found = f"names column {twice[0]!r} twice" if twice else "has a column without a name"
        raise Invalid(f"{path.name} cannot be read: its header {found}. Nothing was imported.")
    return SourceFile(path, dict.fromkeys(names, "VARCHAR"), delimiter)


def require_columns(file: SourceFile, table: Table, given_otherwise: Iterable[str] = ()) -> None:
    """Checks that a file has every required column of its table.

    Raises:
        Invalid: a required column is missing.
    """
    missing = [
        column.name
        for column in table.columns
        if column.required and column.name not in file.columns and column.name not in set(given_otherwise)
    ]
    if missing:
        raise Invalid(
            f"{file.path.name} has no column {', '.join(missing)}, which table {table.name} requires; "
            "nothing was imported."
        )
