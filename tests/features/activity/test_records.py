"""Records: CSV bytes become lines and rows as DuckDB reads them, in bounded memory and linear time."""

import csv
import io
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.activity import records as module
from features.activity.files import csv_reader
from features.activity.records import MISPLACED, NO_TEXT, TOO_LONG, UNCLOSED, lines_of, records, shown, split

WIDTH = 3
ROW = b"1,2,3"
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)


def read(text: bytes, width: int = WIDTH) -> list[tuple[int, bytes, list[str] | str]]:
    """What becomes of lines after a header."""
    return list(records(lines_of(io.BytesIO(b"a,b,c\n" + text)), width, ","))


@given(
    parts=st.lists(st.sampled_from([b"\r", b"\n", b"a", b"bc", b"\r\n"]), max_size=12),
    size=st.integers(min_value=1, max_value=4),
)
def test_lines_end_where_the_file_has_line_ends_wherever_a_chunk_ends(parts: list[bytes], size: int) -> None:
    text = b"".join(parts)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "CHUNK_BYTES", size)
        assert list(lines_of(io.BytesIO(text))) == text.splitlines(keepends=True)


class Endless(io.RawIOBase):
    """So many bytes of one letter, which are never all in memory, and then a row."""

    def __init__(self, size: int, letter: bytes) -> None:
        self.left, self.letter, self.end = size, letter, b"\n" + ROW + b"\n"

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        if not self.left:
            end, self.end = self.end, b""
            return end
        size = min(size, self.left)
        self.left -= size
        return self.letter * size


def test_a_line_of_gigabytes_is_never_held_in_memory_and_the_next_one_is_read() -> None:
    tracemalloc.start()
    try:
        first, second = lines_of(cast(IO[bytes], Endless(2_000_000_000, b"x")))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(first) > module.MAX_LINE_BYTES, second) == (True, ROW + b"\n")
    assert peak < 4 * module.MAX_LINE_BYTES


def test_a_line_that_is_too_long_is_set_aside_with_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 40)
    monkeypatch.setattr(module, "MAX_SHOWN_BYTES", 5)
    (first, (number, text, fault), last) = read(ROW + b"\n1,2," + b"x" * 37 + b"\n" + ROW)
    assert (number, fault, first[2], last[2]) == (3, TOO_LONG, ["1", "2", "3"], ["1", "2", "3"])
    assert shown(text) == "1,2,x … (cut after 5 bytes)"


def test_a_field_may_be_long_and_quoted() -> None:
    long = "x" * 1_000_000
    assert [fields for *_, fields in read(f'1,"{long}",3\n1,{long},3\n'.encode())] == [["1", long, "3"]] * 2


FIELDS = {
    "1,2,3": ["1", "2", "3"],
    "1,2,": ["1", "2", ""],
    "1,2,3,,": ["1", "2", "3"],
    ' "1" ,"2,","3"': ["1", "2,", "3"],
    '1,"",3': ["1", "", "3"],
    '1,"a""b",3': ["1", 'a"b', "3"],
    '1, a"b"" ,3"': ["1", ' a"b"" ', '3"'],
    '1,"a"b,3': MISPLACED,
    '1,"a" "b",3': MISPLACED,
    '1,"a,3': UNCLOSED,
    '1,"a"",3': UNCLOSED,
    '1,"a\n\r\nb","3\n"': ["1", "a\n\r\nb", "3\n"],
    '1,"a\nb",3,4': UNCLOSED,
    "1,2": "2 fields in a line where the header has 3",
    "1,\x00,3": ["1", "\x00", "3"],
}


@pytest.mark.parametrize("text", FIELDS)
def test_a_row_has_the_fields_that_its_quotes_say(text: str) -> None:
    assert read(text.encode() + b"\n")[0][2] == FIELDS[text]


def test_a_line_that_is_no_text_costs_no_row_also_where_a_quote_is_open_before_it() -> None:
    faults = [fields for *_, fields in read(b'1,"2,3\n\xff\n' + ROW + b'\n"\n')]
    assert faults == [UNCLOSED, NO_TEXT, ["1", "2", "3"], UNCLOSED]


def test_a_quote_is_closed_within_a_bound_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROW_BYTES", 100)
    short, long = (b'1,"' + b"x\n" * n + b'",3\n' for n in (40, 60))
    assert [len(read(text)) for text in (short, long)] == [1, 61]
    assert read(long + ROW)[-1][2] == ["1", "2", "3"]


@given(rows=st.lists(st.lists(TEXT, min_size=3, max_size=3), max_size=5))
def test_rows_that_are_written_by_a_csv_writer_are_read_as_they_were(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    assert [fields for *_, fields in read(text.getvalue().encode())] == rows


@given(text=st.text(alphabet='ab,"\n ', max_size=20))
def test_a_row_that_duckdb_reads_is_read_alike(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path: Path = tmp_path_factory.mktemp("csv") / "rows.csv"
    path.write_text(f"a,b,c\n{text}\n1,2,3\n")
    try:
        with duckdb.connect() as engine:
            reader = csv_reader(path, ["a", "b", "c"], ",")
            found = engine.execute(f"SELECT a, b, c FROM {reader}").fetchall()
    except duckdb.Error:
        return
    rows = [[value or "" for value in row] for row in found]
    mine = [fields for *_, fields in read(path.read_bytes()[6:])]
    if MISPLACED not in mine and UNCLOSED not in mine:  # it takes "a" "b" for a field
        assert mine == rows


HARD = {
    "a quote a line": lambda n: f'1,"open{n},3',
    "a quote at the end of a line": lambda n: f'{n},2,"',
    "a quote that closes and one that opens": lambda n: f'a",{n},"c',
    "doubled quotes after an open one": lambda n: f'{n},"open,3' if n % 500 == 0 else f'{n},a""b,3',
    "blank lines after an open one": lambda n: f'{n},"open,3' if n % 500 == 0 else "",
    "nothing after an open one": lambda n: f'{n},"open,3' if n == 0 else f"{n},2,3",
}


@pytest.mark.parametrize("line", HARD.values(), ids=HARD)
def test_what_is_looked_at_grows_with_the_length_of_the_file(
    monkeypatch: pytest.MonkeyPatch, line: Callable[[int], str]
) -> None:
    looked_at = 0
    following = module._following

    def counting_split(text: str, delimiter: str) -> list[str] | str:
        nonlocal looked_at
        looked_at += len(text)
        return split(text, delimiter)

    def counting_lines(lines: Iterator[bytes], ahead: deque[bytes]) -> Iterator[bytes]:
        nonlocal looked_at
        for more in following(lines, ahead):
            looked_at += len(more)
            yield more

    monkeypatch.setattr(module, "split", counting_split)
    monkeypatch.setattr(module, "_following", counting_lines)
    text = "\n".join(line(n) for n in range(20_000)).encode()
    assert len(read(text)) > 1
    assert looked_at < 3 * WIDTH * len(text)
