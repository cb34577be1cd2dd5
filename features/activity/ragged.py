"""Reads CSV files that are not in shape: rows go one way, lines that are no rows the other, with what is wrong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from features.activity.records import MAX_LINE_BYTES, UNCLOSED, lines_of, records, shown, split
from features.activity.temporary import folder_of
from features.kernel.errors import Invalid

BROKEN = "_broken"
DELIMITERS = ",;\t|"
BATCH_BYTES = 16_000_000
FIELD_BYTES = 60
"""What Python takes for a field besides its text."""
BROKEN_SCHEMA = pa.schema(
    [("_row", pa.int64()), ("_line", pa.int64()), ("_reason", pa.string()), ("_text", pa.string())]
)


@dataclass(frozen=True, slots=True)
class Mended:
    """A CSV file taken apart in a folder: one file of its rows, one of the lines that are no rows."""

    folder: Path

    @property
    def rows_file(self) -> Path:
        """The rows, each with its number before it."""
        return self.folder / "rows.parquet"

    @property
    def broken_file(self) -> Path:
        """The other lines: number of the row they would be, number of the line, what is wrong, text."""
        return self.folder / "broken.parquet"

    def rows(self, names: Iterable[str]) -> str:
        """SQL that reads the rows with their number, as `_row`."""
        columns = ", ".join(f'_{n} AS "{name.replace(chr(34), chr(34) * 2)}"' for n, name in enumerate(names))
        return f"(SELECT _row, {columns} FROM read_parquet('{self.rows_file}'))"

    @property
    def broken(self) -> str:
        """SQL that reads the other lines: `_row`, `_line`, `_reason`, `_text`."""
        return f"read_parquet('{self.broken_file}')"


class _Rows:
    """A Parquet file that is written a batch of rows at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.schema = schema
        self._writer = pq.ParquetWriter(path, schema)
        self._rows: list[Sequence[Any]] = []
        self._bytes = 0

    def add(self, row: Sequence[Any], size: int) -> None:
        """Adds a row with so many bytes of text."""
        self._rows.append(row)
        self._bytes += size + FIELD_BYTES * len(row)
        if self._bytes >= BATCH_BYTES:
            self._write()

    def _write(self) -> None:
        columns = zip(*self._rows, strict=True)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self.schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))
        self._rows, self._bytes = [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._rows and kind is None:
            self._write()
        self._writer.close()


def opened(path: Path, compression: str) -> IO[bytes]:
    """The file's bytes, unpacked."""
    raw = path.open("rb")
    return raw if compression == "none" else pa.CompressedInputStream(raw, compression)


def unreadable(path: Path, reason: object) -> Invalid:
    """The error of a file that cannot be read."""
    first = next(iter(str(reason).splitlines()), "").rstrip(".")
    return Invalid(f"{path.name} cannot be read: {first}. Nothing was imported.")


def header_of(path: Path, compression: str) -> tuple[list[str], str]:
    """The names in the first line of a CSV file, and what stands between them.

    Raises:
        Invalid: there are none, or they cannot be read.
    """
    try:
        with opened(path, compression) as file:
            line = next(lines_of(file), b"")
        text = "" if len(line) > MAX_LINE_BYTES else line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable(path, "it is not UTF-8 text") from error
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from error
    if len(line) > MAX_LINE_BYTES:
        raise unreadable(path, f"its first line is longer than {MAX_LINE_BYTES:,} bytes")
    if not text:
        raise unreadable(path, "it is empty; the first line of a CSV file names its columns")
    written = text.rstrip("\r\n")
    if not written:
        raise unreadable(path, "its first line is blank, where the names of its columns are wanted")
    delimiter = max(DELIMITERS, key=written.count)
    names = split(written, delimiter)
    if names == UNCLOSED:
        raise unreadable(path, f"its first line has {UNCLOSED}")
    return (names if isinstance(names, list) else written.split(delimiter)), delimiter


def mended(path: Path, width: int, delimiter: str, compression: str, owner: object) -> Mended:
    """The file taken apart: a broken line costs no other line. The parts go with their owner, who reads them.

    Raises:
        Invalid: the file cannot be read to its end.
    """
    parts = Mended(folder_of(owner))
    fields_schema = pa.schema([("_row", pa.int64()), *((f"_{n}", pa.string()) for n in range(width))])
    try:
        with (
            opened(path, compression) as file,
            _Rows(parts.rows_file, fields_schema) as rows,
            _Rows(parts.broken_file, BROKEN_SCHEMA) as broken,
        ):
            for number, (line, text, fields) in enumerate(records(lines_of(file), width, delimiter), 1):
                if isinstance(fields, str):
                    broken.add((number, line, fields, shown(text)), len(text))
                else:
                    rows.add((number, *(field or None for field in fields)), sum(map(len, fields)))
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from error
    return parts
