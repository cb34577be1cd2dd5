"""Reads CSV files that are not in shape: rows go one way, lines that are no rows the other, with what is wrong."""

import csv
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa

BROKEN = "_broken"
DELIMITERS = ",;\t|"
MAX_ROW_BYTES = 1_000_000  # a quote that is not closed by then was never meant to hold line breaks
UNCLOSED = "a quote that is not closed"
MISPLACED = "a quote inside a field, not doubled"
NO_TEXT = "not UTF-8 text"


@dataclass(frozen=True, slots=True)
class Mended:
    """A CSV file taken apart in a folder: one file of its rows, one of the lines that are no rows."""

    folder: Path

    @property
    def rows_file(self) -> Path:
        """The rows, each with its number before it."""
        return self.folder / "rows.csv"

    @property
    def broken_file(self) -> Path:
        """The other lines: number of the row they would be, number of the line, what is wrong, text."""
        return self.folder / "broken.csv"

    def rows(self, names: Iterable[str]) -> str:
        """SQL that reads the rows with their number, as `_row`."""
        columns = {"_row": "BIGINT"} | dict.fromkeys(names, "VARCHAR")
        return _reader(self.rows_file, columns)

    @property
    def broken(self) -> str:
        """SQL that reads the other lines: `_row`, `_line`, `_reason`, `_text`."""
        kinds = {"_row": "BIGINT", "_line": "BIGINT", "_reason": "VARCHAR", "_text": "VARCHAR"}
        return _reader(self.broken_file, kinds)


def _reader(path: Path, kinds: dict[str, str]) -> str:
    columns = ", ".join("'" + name.replace("'", "''") + f"': '{kind}'" for name, kind in kinds.items())
    dialect = "delim = ',', quote = '\"', escape = '\"', new_line = '\\n', max_line_size = 16000000"
    return f"read_csv('{path}', header = false, auto_detect = false, {dialect}, columns = {{{columns}}})"


def opened(path: Path, compression: str) -> IO[bytes]:
    """The file's bytes, unpacked."""
    raw = path.open("rb")
    return raw if compression == "none" else pa.CompressedInputStream(raw, compression)


def header_line(path: Path, compression: str) -> str:
    """The first line of a CSV file.

    Raises:
        UnicodeDecodeError: it is not UTF-8 text.
    """
    with opened(path, compression) as file:
        first = next(_lines(file), b"")
    return first.decode("utf-8-sig")


def mended(path: Path, width: int, delimiter: str, compression: str, owner: object) -> Mended:
    """The file taken apart: a broken line costs no other line. The parts go with their owner, who reads them."""
    parts = Mended(Path(tempfile.mkdtemp(prefix="mscore-csv-")))
    weakref.finalize(owner, shutil.rmtree, parts.folder, ignore_errors=True)
    with (
        opened(path, compression) as file,
        parts.rows_file.open("w", encoding="utf-8", newline="") as rows,
        parts.broken_file.open("w", encoding="utf-8", newline="") as broken,
    ):
        good, bad = csv.writer(rows, lineterminator="\n"), csv.writer(broken, lineterminator="\n")
        for number, (line, text, fields) in enumerate(_records(_lines(file), width, delimiter), 1):
            if isinstance(fields, str):
                bad.writerow([number, line, fields, text.decode("utf-8", "backslashreplace")])
            else:
                good.writerow([number, *fields])
    return parts


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines without their ends, however they end."""
    rest = b""
    while chunk := file.read(1 << 20):
        rest += chunk
        if rest.endswith(b"\r"):  # the other half of the line end may follow
            rest += file.read(1)
        *whole, rest = rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        yield from whole
    if rest:
        yield rest


def _records(lines: Iterator[bytes], width: int, delimiter: str) -> Iterator[tuple[int, bytes, list[str] | str]]:
    """Line number, text, and the fields of each row after the header; of a line that is no row what is wrong."""
    next(lines, None)
    waiting: list[bytes] = []
    number = 1
    while (line := waiting.pop(0) if waiting else next(lines, None)) is not None:
        number += 1
        if not line:
            continue
        fields = _fields(line, width, delimiter)
        if fields == UNCLOSED:
            fields, waiting = _extended(line, lines, waiting, width, delimiter)
        yield number, line, fields
        if not isinstance(fields, str):
            number += sum(field.count("\n") for field in fields)


def _extended(
    line: bytes, lines: Iterator[bytes], waiting: list[bytes], width: int, delimiter: str
) -> tuple[list[str] | str, list[bytes]]:
    """The row that begins in a line and goes on in the next ones, or what is wrong; and the lines not used."""
    ahead = list(waiting)
    record, used = line, 0
    while len(record) < MAX_ROW_BYTES:
        if used == len(ahead):
            more = next(lines, None)
            if more is None:
                break
            ahead.append(more)
        record += b"\n" + ahead[used]
        used += 1
        if b'"' in ahead[used - 1]:
            fields = _fields(record, width, delimiter)
            if isinstance(fields, list):
                return fields, ahead[used:]
            if fields != UNCLOSED:
                break
    return UNCLOSED, ahead


def _fields(record: bytes, width: int, delimiter: str) -> list[str] | str:
    """The fields of a row, or what is wrong with it."""
    try:
        text = record.decode("utf-8")
    except UnicodeDecodeError:
        return NO_TEXT
    if '"' not in text:
        fields = text.split(delimiter)
    else:
        try:
            fields = next(csv.reader([text], delimiter=delimiter, strict=True), [])
        except csv.Error as error:
            return UNCLOSED if "unexpected end of data" in str(error) else MISPLACED
    if len(fields) == width + 1 and not fields[-1]:
        fields.pop()
    if len(fields) != width:
        return f"{len(fields)} fields in a line where the header has {width}"
    return fields
