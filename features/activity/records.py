"""Takes the bytes of a CSV file apart: lines, the rows that they make, and what is wrong with those that make none."""

import re
from collections import deque
from collections.abc import Iterator
from functools import cache
from typing import IO

CHUNK_BYTES = 1 << 20
MAX_LINE_BYTES = 16_000_000
MAX_ROW_BYTES = 1_000_000
"""A quote that is not closed by then was never meant to hold line breaks."""
MAX_SHOWN_BYTES = 1_000
"""How much is kept of a line that is too long."""
UNCLOSED = "a quote that is not closed"
MISPLACED = "a quote inside a field, not doubled"
NO_TEXT = "not UTF-8 text"
QUOTED = re.compile(r'[ ]*+"([^"]*+(?:""[^"]*+)*+)"')
TOO_LONG = f"a line longer than {MAX_LINE_BYTES:,} bytes"


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """The lines with their ends, however they end; of a line longer than `MAX_LINE_BYTES` a beginning that is, too."""
    rest = b""
    for chunk in _chunks(file):
        if len(rest) > MAX_LINE_BYTES and b"\n" not in chunk and b"\r" not in chunk:
            continue
        lines = chunk.splitlines(keepends=True)
        lines[0] = rest + lines[0]
        rest = b"" if lines[-1].endswith((b"\n", b"\r")) else lines.pop()[: MAX_LINE_BYTES + 1]
        yield from lines
    if rest:
        yield rest


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    """The file in pieces, none of which ends between the two halves of a line end."""
    carried = b""
    while chunk := file.read(CHUNK_BYTES):
        chunk = carried + chunk
        carried = b"\r" if chunk.endswith(b"\r") else b""
        if whole := chunk.removesuffix(carried):
            yield whole
    if carried:
        yield carried


def records(lines: Iterator[bytes], width: int, delimiter: str) -> Iterator[tuple[int, bytes, list[str] | str]]:
    """Line number, first line, and the fields of each row after the header; of a line that is no row what is wrong."""
    next(lines, None)
    ahead: deque[bytes] = deque()
    number = 1
    while (line := ahead.popleft() if ahead else next(lines, None)) is not None:
        number += 1
        text = line.rstrip(b"\r\n")
        if not text:
            continue
        fields, used = _row(line, width, delimiter), 0
        if fields == UNCLOSED:
            fields, used = _extended(line, lines, ahead, width, delimiter)
        yield number, text, fields
        number += used


def shown(text: bytes) -> str:
    """A line as the quarantine keeps it, whatever it holds."""
    if len(text) <= MAX_LINE_BYTES:
        return text.decode("utf-8", "backslashreplace")
    return text[:MAX_SHOWN_BYTES].decode("utf-8", "backslashreplace") + f" … (cut after {MAX_SHOWN_BYTES:,} bytes)"


def split(text: str, delimiter: str) -> list[str] | str:
    """The fields of a text, or what is wrong with its quotes.

    Blanks around a quoted field are no part of it, as DuckDB reads them; a quote amid another field is a character.

    >>> split('a, "b,""c" ,5"', ",")
    ['a', 'b,"c', '5"']
    >>> split('a,"b', ","), split('a,"b"c', ",")
    ('a quote that is not closed', 'a quote inside a field, not doubled')
    """
    fields: list[str] = []
    pattern = _field(delimiter)
    at, end = 0, delimiter
    while end:
        match = pattern.match(text, at)
        if match is None:
            return MISPLACED if QUOTED.match(text, at) else UNCLOSED
        plain, quoted, end = match.groups()
        fields.append(quoted.replace('""', '"') if plain is None else plain)
        at = match.end()
    return fields


@cache
def _field(delimiter: str) -> re.Pattern[str]:
    """A field that is quoted or not, and the delimiter after it, empty after the last one."""
    mark = re.escape(delimiter)
    return re.compile(rf"(?:(?![ ]*+\")([^{mark}]*+)|{QUOTED.pattern}[ ]*+)({mark}|\Z)")


def _row(record: bytes, width: int, delimiter: str) -> list[str] | str:
    """The fields of a row, or what is wrong with it."""
    if len(record) > MAX_LINE_BYTES:
        return TOO_LONG
    try:
        text = record.rstrip(b"\r\n").decode("utf-8")
    except UnicodeDecodeError:
        return NO_TEXT
    fields = split(text, delimiter) if '"' in text else text.split(delimiter)
    if isinstance(fields, str):
        return fields
    while len(fields) > width and not fields[-1]:
        fields.pop()
    if len(fields) != width:
        return f"{len(fields)} fields in a line where the header has {width}"
    return fields


def _extended(
    line: bytes, lines: Iterator[bytes], ahead: deque[bytes], width: int, delimiter: str
) -> tuple[list[str] | str, int]:
    """The row that begins in a line and goes on in the next ones, and how many; or that its quote is not closed.

    A line is looked at again once for every field that is open at its beginning, so the time is that of the file's
    length times its width at most.
    """
    size, opened = len(line), 1
    record = [line]
    for more in _following(lines, ahead):
        size += len(more)
        if size > MAX_ROW_BYTES or opened > width:
            break
        record.append(more)
        if b'"' not in more.replace(b'""', b""):
            continue
        state = split('"' + more.rstrip(b"\r\n").decode("utf-8", "replace"), delimiter)
        if state == UNCLOSED:
            opened += 1
            continue
        fields = _row(b"".join(record), width, delimiter) if isinstance(state, list) else state
        if isinstance(fields, str):
            break
        used = len(record) - 1
        for _ in range(used):
            ahead.popleft()
        return fields, used
    return UNCLOSED, 0


def _following(lines: Iterator[bytes], ahead: deque[bytes]) -> Iterator[bytes]:
    """The lines after one, which stay in `ahead` until they are taken."""
    yield from ahead
    for line in lines:
        ahead.append(line)
        yield line
