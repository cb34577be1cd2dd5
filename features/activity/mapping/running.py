"""Runs the SELECTs of a mapping on a connection that can read nothing but the declared files."""

import shutil
from collections.abc import Iterator
from collections.abc import Mapping as Dictionary
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from features.activity.checking import INTEGRAL_TYPES
from features.activity.files import BROKEN, CSV_ENDINGS, EXPORT, SourceFile, ending_of, identifier, open_file, quote
from features.activity.mapping.document import SourceEntry
from features.activity.mapping.loading import Mapping, Statement
from features.activity.ragged import DELIMITERS, opened, unreadable
from features.activity.records import lines_of, split
from features.activity.schema import Table
from features.activity.temporary import temporary_folder
from features.kernel.errors import Invalid
from features.kernel.folders import require_folder

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_LINES_TRIED = 100
"""How many lines of a file without a header may be broken before its delimiter is known."""
WIDE_INTEGERS = ("HUGEINT", "UHUGEINT")  # Parquet would keep them as rounded numbers
FARTHEST_MICROSECONDS = "9.2e18::DOUBLE"

# A number too large for its unit becomes a moment far away, which the checks set aside as such; it is not lost.
MACROS = (
    f"""CREATE MACRO moment_of_microseconds(x) AS CASE WHEN x IS NOT NULL THEN make_timestamptz(
        CAST(greatest(-{FARTHEST_MICROSECONDS}, least({FARTHEST_MICROSECONDS}, round(x))) AS BIGINT)) END""",
    "CREATE MACRO from_seconds(x) AS moment_of_microseconds(TRY_CAST(x AS DOUBLE) * 1e6::DOUBLE)",
    "CREATE MACRO from_milliseconds(x) AS moment_of_microseconds(TRY_CAST(x AS DOUBLE) * 1e3::DOUBLE)",
    "CREATE MACRO from_microseconds(x) AS moment_of_microseconds(TRY_CAST(x AS DOUBLE))",
    """CREATE MACRO from_nanoseconds(x) AS CASE WHEN regexp_full_match(CAST(x AS VARCHAR), '[+-]?\\d{1,18}|[+]?\\d{19}')
        AND TRY_CAST(x AS BIGINT) IS NOT NULL THEN make_timestamptz(TRY_CAST(x AS BIGINT) // 1000)
        ELSE moment_of_microseconds(TRY_CAST(x AS DOUBLE) / 1e3::DOUBLE) END""",
)


@dataclass(frozen=True, slots=True)
class MadeRows:
    """Rows that a statement made: SQL that yields them with `_row`, their types, and the files they come from."""

    table: Table
    relation: str
    columns: dict[str, str]
    origin: str


@contextmanager
def made_rows(mapping: Mapping, folder: Path, memory: str) -> Iterator[tuple[MadeRows, ...]]:
    """What every statement makes of the files of a folder, as Parquet files that are gone afterwards.

    Args:
        mapping: the mapping.
        folder: the export; nothing outside of it is read.
        memory: how much the engine may hold, like 3GB; it spills to disk beyond.

    Raises:
        NotFound: there is no such folder.
        Invalid: a file is missing, lies outside, or cannot be read, or a SELECT fails; the message names the entry.
    """
    require_folder(folder, EXPORT)
    with temporary_folder() as workplace:
        with duckdb.connect() as engine:
            opened = _opened(engine, mapping, folder, workplace)
            statements = [s for s in mapping.statements if all(name in opened for name in s.reads)]
            if not statements:
                raise Invalid(
                    f"{folder} holds none of the files that mapping {mapping.name} reads; nothing was imported."
                )
            for macro in MACROS:
                engine.execute(macro)
            _lock(engine, opened, workplace, memory, one_thread=any(s.adds_up for s in statements))
            made = tuple(
                _made(engine, mapping, statement, opened, workplace / f"{position}.parquet")
                for position, statement in enumerate(statements)
            )
        yield _with_broken_lines(made, statements, opened)


def _opened(
    engine: duckdb.DuckDBPyConnection, mapping: Mapping, folder: Path, workplace: Path
) -> dict[str, SourceFile]:
    opened: dict[str, SourceFile] = {}
    for position, (name, source) in enumerate(mapping.sources.items()):
        path = _inside(folder, source.file, mapping, name)
        if path.is_file():
            if not source.header:
                path = _with_header(path, source, workplace / f"source{position}")
            opened[name] = open_file(engine, path)
        elif not source.optional:
            raise Invalid(f"{folder} has no {source.file}, which mapping {mapping.name} reads; nothing was imported.")
    return opened


def _inside(folder: Path, file: str, mapping: Mapping, name: str) -> Path:
    resolved = (folder / file).resolve()
    if not resolved.is_relative_to(folder.resolve()):
        raise Invalid(
            f"Mapping {mapping.name}, source {name}: {file} lies outside of {folder}; "
            "a mapping reads only files inside the imported folder."
        )
    return resolved


def _with_header(path: Path, source: SourceEntry, copy: Path) -> Path:
    """A copy of a CSV file that begins with a line of names; of a packed file, which may have several parts, too."""
    names = source.columns or []
    compression = CSV_ENDINGS.get(ending_of(path) or "", "none")
    try:
        delimiter = _delimiter(path, compression, len(names))
        if delimiter is None:
            raise Invalid(
                f"{source.file} has not {len(names)} columns in any of its first lines, as the mapping says; nothing "
                "was imported."
            )
        header = f"{delimiter.join(map(identifier, names))}\n".encode()
        copy.mkdir()
        with path.open("rb") as original, (copy / path.name).open("wb") as written:
            if compression == "none":
                written.write(header)
                original.seek(len(BYTE_ORDER_MARK) if original.read(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK else 0)
            else:
                written.write(_packed(header, compression))
            shutil.copyfileobj(original, written)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from error
    return copy / path.name


def _packed(text: bytes, compression: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, compression) as stream:
        stream.write(text)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def _delimiter(path: Path, compression: str, width: int) -> str | None:
    """What stands between the fields of a file whose lines should have so many; of an empty file, a comma."""
    is_empty = True
    with opened(path, compression) as file:
        for line in islice(lines_of(file), MAX_LINES_TRIED):
            is_empty = False
            text = line.decode("utf-8-sig", errors="replace").rstrip("\r\n")
            for delimiter in DELIMITERS:
                fields = split(text, delimiter)
                if isinstance(fields, list) and len(fields) == width:
                    return delimiter
    return DELIMITERS[0] if is_empty else None


def _lock(
    engine: duckdb.DuckDBPyConnection,
    opened: Dictionary[str, SourceFile],
    workplace: Path,
    memory: str,
    *,
    one_thread: bool,
) -> None:
    """Leaves the sources as views and the work folder for results, and takes everything else away for good.

    Several threads add up fractions in another order each time, so that the last digits differ.
    """
    if one_thread:
        engine.execute("SET threads = 1")
    for name, file in opened.items():
        engine.execute(f"CREATE VIEW {identifier(name)} AS SELECT * FROM {file.rows}")
    folders = [workplace, *(file.mended.folder for file in opened.values() if file.mended)]
    paths = ", ".join(quote(str(file.path)) for file in opened.values())
    for setting in (
        "TimeZone = 'UTC'",
        f"memory_limit = {quote(memory)}",
        f"temp_directory = {quote(str(workplace / 'spill'))}",
        f"allowed_paths = [{paths}]",
        f"allowed_directories = [{', '.join(quote(str(folder)) for folder in folders)}]",
        "enable_external_access = false",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "lock_configuration = true",
    ):
        engine.execute(f"SET {setting}")


def _made(
    engine: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    statement: Statement,
    opened: Dictionary[str, SourceFile],
    path: Path,
) -> MadeRows:
    query = statement.sql(opened)
    origin = " + ".join(dict.fromkeys(mapping.sources[name].file for name in statement.reads))
    try:
        kinds = _described(engine, f"({query})")
        _require(statement, mapping, kinds)
        wide = [f"CAST({identifier(n)} AS VARCHAR) AS {identifier(n)}" for n, k in kinds.items() if k in WIDE_INTEGERS]
        columns = f"* REPLACE ({', '.join(wide)})" if wide else "*"
        engine.execute(f"COPY (SELECT {columns} FROM ({query})) TO {quote(str(path))} (FORMAT parquet)")
        written = _described(engine, f"read_parquet({quote(str(path))})")
    except duckdb.Error as error:
        raise Invalid(f"{statement.place}: the SELECT fails: {_failure(error)} Nothing was imported.") from error
    numbered = written.pop("_row", None) in INTEGRAL_TYPES
    source = f"read_parquet({quote(str(path))}, file_row_number = true)"
    own = "file_row_number" if numbered else "file_row_number, _row" if "_row" in kinds else "file_row_number"
    number = "" if numbered else ", file_row_number + 1 AS _row"
    return MadeRows(statement.table, f"(SELECT * EXCLUDE ({own}){number} FROM {source})", written, origin or path.name)


def _with_broken_lines(
    made: tuple[MadeRows, ...], statements: list[Statement], opened: Dictionary[str, SourceFile]
) -> tuple[MadeRows, ...]:
    """The rows; with those of the first statement that reads a file come its lines that are no rows."""
    reported: set[str] = set()
    complete: list[MadeRows] = []
    for rows, statement in zip(made, statements, strict=True):
        shown = rows
        for name in statement.reads:
            mended = opened[name].mended
            if mended and name not in reported:
                reported.add(name)
                lines = f"SELECT _row, {{line: _line, reason: _reason, text: _text}} AS {BROKEN} FROM {mended.broken}"
                both = f"(SELECT * FROM {shown.relation} UNION ALL BY NAME {lines})"
                columns = {**shown.columns, BROKEN: "STRUCT"}
                shown = replace(shown, relation=both, columns=columns)
        complete.append(shown)
    return tuple(complete)


def _described(engine: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {name: kind for name, kind, *_ in engine.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


def _require(statement: Statement, mapping: Mapping, made: Dictionary[str, str]) -> None:
    table = statement.table
    missing = [column.name for column in table.columns if column.required and column.name not in made]
    if missing:
        raise Invalid(
            f"Mapping {mapping.name} makes no {table.name}.{missing[0]}, which is required ({statement.place})."
        )


def _failure(error: duckdb.Error) -> str:
    message = str(error).partition("\nLINE ")[0]
    sentence = " ".join(message.split())
    closed = sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
    advice = " Write TRY_CAST there, or leave the cast out: columns are typed as our tables want them."
    return closed + (advice if isinstance(error, duckdb.ConversionException) else "")
