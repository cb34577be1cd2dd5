"""Finds and opens the files of an activity folder: Parquet or CSV, one file or one folder of files a table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.activity.columns import Table
from features.activity.ragged import BROKEN, Mended, header_of, mended, unreadable
from features.activity.records import MAX_ROW_BYTES
from features.kernel.errors import Invalid
from features.kernel.folders import require_folder

__all__ = ["BROKEN", "SourceFile", "identifier", "open_file", "quote"]

CSV_ENDINGS: Mapping[str, str] = {".csv": "none", ".csv.gz": "gzip", ".csv.zst": "zstd"}
ENDINGS = (".parquet", *CSV_ENDINGS)
EXPORT = "the folder that holds the exported tables"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a table with its columns and their engine types.

    Attributes:
        path: the file.
        columns: name -> engine type; the names are those of the table that the file was opened for, where they fit.
        spelt: name -> the name as the file spells it, where that differs.
        delimiter: between the fields; matters for CSV only.
        mended: of a CSV file with lines that are no rows, its rows and those lines, apart.
    """

    path: Path
    columns: dict[str, str]
    spelt: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","
    mended: Mended | None = None

    @property
    def is_csv(self) -> bool:
        """Whether the file is text."""
        return ending_of(self.path) in CSV_ENDINGS

    @property
    def relation(self) -> str:
        """SQL that reads the file with its row number, as `_row`.

        Of a file opened for a table, a line that is no row is a row too, with its fault in `BROKEN`.
        """
        if BROKEN not in self.columns:
            return self.rows
        return f"(SELECT *, NULL AS {BROKEN} FROM {self.rows} UNION ALL BY NAME FROM {self.broken_lines})"

    @property
    def broken_lines(self) -> str:
        """SQL that reads only the lines that are no rows: `_row` and `BROKEN` (line, reason, text)."""
        nothing = "SELECT 0 AS _row, 0 AS _line, '' AS _reason, '' AS _text WHERE false"
        lines = self.mended.broken if self.mended else f"({nothing})"
        return f"(SELECT _row, {{line: _line, reason: _reason, text: _text}} AS {BROKEN} FROM {lines})"

    @property
    def rows(self) -> str:
        """SQL that reads only what is a row, with its number, as `_row`."""
        if not self.is_csv:
            names = ", ".join(self._named(name) for name in self.columns)
            return (
                f"(SELECT {names}, file_row_number + 1 AS _row "
                f"FROM read_parquet({quote(str(self.path))}, file_row_number = true))"
            )
        named = [self.spelt.get(name, name) for name in self.columns if name != BROKEN]
        names = ", ".join(self._named(name) for name in self.columns if name != BROKEN)
        if self.mended:
            return f"(SELECT {names}, _row FROM {self.mended.rows(named)})"
        reader = csv_reader(self.path, named, self.delimiter, CSV_ENDINGS[str(ending_of(self.path))])
        return f"(SELECT {names}, row_number() OVER () AS _row FROM {reader})"

    def _named(self, name: str) -> str:
        written = self.spelt.get(name, name)
        return identifier(name) if written == name else f"{identifier(written)} AS {identifier(name)}"


def quote(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def ending_of(path: Path) -> str | None:
    """The ending by which a file is read, in any case of letters; None of a file that is not read."""
    name = path.name.lower()
    return next((ending for ending in ENDINGS if name.endswith(ending)), None)


def activity_folder(folder: Path) -> Path:
    """The folder that holds the tables: the given one, or its `activity` folder where a simulation was written.

    Raises:
        NotFound: there is no such folder.
        Invalid: it is a file.
    """
    require_folder(folder, EXPORT)
    inner = folder / "activity"
    return inner if inner.is_dir() else folder


def files_of(folder: Path, name: str) -> tuple[Path, ...]:
    """The files of one table, in a stable order; empty where the table is missing. Names may be of any case."""
    alone: dict[str, list[Path]] = {ending: [] for ending in ENDINGS}
    inside: list[Path] = []
    for path in sorted(folder.iterdir()):
        ending = ending_of(path)
        if path.is_dir() and path.name.lower() == name:
            inside += [part for part in sorted(path.rglob("*")) if ending_of(part) and part.is_file()]
        elif ending and path.is_file() and path.name.lower() == name + ending:
            alone[ending].append(path)
    return (*(path for paths in alone.values() for path in paths), *inside)


def files_not_read(folder: Path, names: Iterable[str]) -> list[str]:
    """A sentence for every file or folder of a folder that is of none of these tables, with the likely one."""
    table_names = list(names)
    read = {path for name in table_names for path in files_of(folder, name)}
    sentences: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name.lower() in table_names:
            left = [part for part in sorted(path.rglob("*")) if part.is_file() and part not in read]
            sentences += [f"{part.relative_to(folder)} was not read: {_ending_fault(part)}" for part in left]
        elif path not in read:
            sentences.append(
                f"{path.name}{'/' if path.is_dir() else ''} was not read: {_name_fault(path, table_names)}"
            )
    return sentences


def _ending_fault(path: Path) -> str:
    return f"{path.suffix or 'a name without ending'} is none of {', '.join(ENDINGS)}."


def _name_fault(path: Path, table_names: list[str]) -> str:
    ending = "" if path.is_dir() else ending_of(path)
    stem = path.name.lower().removesuffix(ending or path.suffix.lower())
    if stem in table_names:
        return _ending_fault(path)
    close = get_close_matches(stem, table_names, n=1)
    return f"there is no table {stem!r}" + (f"; did you mean {close[0]}?" if close else ".")


def csv_reader(path: Path, names: Iterable[str], delimiter: str, compression: str = "none") -> str:
    """SQL that reads a CSV file with a header, every column as text; the dialect is fixed: a guessed one loses rows."""
    columns = ", ".join(f"{quote(name)}: 'VARCHAR'" for name in names)
    dialect = f"delim = {quote(delimiter)}, quote = '\"', escape = '\"', compression = {quote(compression)}"
    how = f"header = true, auto_detect = false, {dialect}, max_line_size = {MAX_ROW_BYTES}"
    return f"read_csv({quote(str(path))}, {how}, columns = {{{columns}}})"


def open_file(connection: duckdb.DuckDBPyConnection, path: Path, table: Table | None = None) -> SourceFile:
    """The file with its columns; where it is of a table, columns that differ by case or blanks only bear its names.

    Raises:
        Invalid: the file cannot be read, or two of its columns have one name.
    """
    if ending_of(path) in CSV_ENDINGS:
        return _open_csv(connection, path, table)
    spelt: Mapping[str, str] = {}
    try:
        spelt = _names(path, pq.read_schema(path).names, table)
        names = ", ".join(f"{identifier(written)} AS {identifier(name)}" for name, written in spelt.items())
        read = f"SELECT {names} FROM read_parquet({quote(str(path))})"
        described = connection.execute(f"DESCRIBE {read}").fetchall()
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from error
    return SourceFile(path, {name: kind for name, kind, *_ in described}, spelt)


def _open_csv(connection: duckdb.DuckDBPyConnection, path: Path, table: Table | None) -> SourceFile:
    compression = CSV_ENDINGS[str(ending_of(path))]
    header, delimiter = header_of(path, compression)
    spelt = _names(path, header, table)
    file = SourceFile(path, dict.fromkeys(spelt, "VARCHAR"), spelt, delimiter)
    try:
        reader = csv_reader(path, spelt.values(), delimiter, compression)
        connection.execute(f"SELECT count(COLUMNS(*)) FROM {reader}").fetchall()
    except duckdb.Error:
        lines = mended(path, len(spelt), delimiter, compression, connection)
        columns = {**file.columns, BROKEN: "STRUCT"} if table else file.columns
        return SourceFile(path, columns, spelt, delimiter, lines)
    return file


def _names(path: Path, written: Iterable[str], table: Table | None) -> dict[str, str]:
    """The names to use for the columns of a file -> as they are written there.

    Raises:
        Invalid: a column has no name, or two cannot be told apart.
    """
    ours = {column.name for column in table.columns} if table else set()
    names: dict[str, str] = {}
    folded: dict[str, str] = {}
    for name in written:
        plain = name.strip().lower()
        if not plain:
            raise Invalid(f"{path.name} cannot be read: it has a column without a name. Nothing was imported.")
        if plain in folded:
            both = f"{folded[plain]!r} and {name!r}" if folded[plain] != name else f"{name!r} twice"
            raise Invalid(
                f"{path.name} cannot be read: it has the columns {both}, which cannot be told apart; rename or remove "
                "one. Nothing was imported."
            )
        folded[plain] = name
        names[plain if plain in ours else name] = name
    return names


def columns_renamed(file: SourceFile) -> list[str]:
    """A sentence for every column that was taken for one of ours although it is written otherwise."""
    return [
        f"{file.path.name}: column {written!r} was read as {name}."
        for name, written in file.spelt.items()
        if written != name
    ]


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
