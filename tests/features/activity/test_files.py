"""Files: packed ones and any case are read, every file is accounted for, and a broken line costs no other line."""

import gzip
import json
import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.activity.mapping import load_mapping
from features.activity.records import MAX_LINE_BYTES
from features.kernel.errors import Invalid
from tests.features.activity.exports import Desk, accounts, transfers

HEADER = "transfer_id,account_id,ts,direction,asset,amount,amount_usd,counterparty_type,network"


def line(number: int, network: str = "") -> str:
    """A good transfer of account `a` as a line."""
    return f"t{number},a,2025-05-01T00:00:00Z,deposit,USDT,1,1,bank,{network}"


def imported(desk: Desk, text: bytes | str, name: str = "transfers.csv") -> tuple[set[str], list[dict[str, object]]]:
    """The transfers that come in from a file, and the rows set aside."""
    folder = desk.folder({"accounts": accounts("a")})
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    report = desk.importing().folder(folder).tables["transfers"]
    assert report.read == report.accepted + report.duplicates + report.quarantined
    held = desk.home.lake.snapshot().files.get("transfers", ())
    ids = {transfer for path in held for transfer in pd.read_parquet(path)["transfer_id"]}
    return ids, desk.home.quarantine.rows().to_pylist()


@pytest.mark.parametrize("name", ["transfers.csv", "TRANSFERS.CSV", "Transfers.Csv"])
def test_the_case_of_a_file_name_does_not_matter(desk: Desk, name: str) -> None:
    assert imported(desk, f"{HEADER}\n{line(1)}\n", name)[0] == {"t1"}


@pytest.mark.parametrize(("ending", "packing"), [("csv.gz", "gzip"), ("CSV.ZST", "zstd")])
@pytest.mark.parametrize("is_ragged", [False, True])
def test_packed_files_are_read(desk: Desk, ending: str, packing: str, is_ragged: bool) -> None:
    text = f"{HEADER}\n{line(1)}\n{'oops' if is_ragged else line(2)}\n{line(3)}\n".encode()
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, packing) as packed:
        packed.write(text)
    ids, aside = imported(desk, sink.getvalue().to_pybytes(), f"transfers.{ending}")
    assert ids == ({"t1", "t3"} if is_ragged else {"t1", "t2", "t3"})
    assert len(aside) == is_ragged


def test_a_packed_file_that_is_cut_is_named_and_nothing_is_imported(desk: Desk) -> None:
    folder = desk.folder({"accounts": accounts("a")})
    (folder / "transfers.csv.gz").write_bytes(gzip.compress(f"{HEADER}\n{line(1)}\n".encode() * 99)[:60])
    with pytest.raises(Invalid, match=r"transfers\.csv\.gz"):
        desk.importing().folder(folder)
    assert desk.home.lake.version is None


def test_every_file_that_is_not_read_is_named_with_the_table_it_may_be_meant_for(desk: Desk) -> None:
    folder = desk.folder({"accounts": accounts("a"), "transfers": transfers()})
    (folder / "watchlists.csv").write_text("x\n")
    (folder / "sessions.json").write_text("{}")
    (folder / "notes").mkdir()
    (folder / "quotes").mkdir()
    (folder / "quotes" / "part.txt").write_text("")
    notices = desk.importing().folder(folder).notices
    assert set(notices) == {
        "watchlists.csv was not read: there is no table 'watchlists'; did you mean watchlist?",
        "sessions.json was not read: .json is none of .parquet, .csv, .csv.gz, .csv.zst.",
        "notes/ was not read: there is no table 'notes'; did you mean quotes?",
        "quotes/part.txt was not read: .txt is none of .parquet, .csv, .csv.gz, .csv.zst.",
    }


SHAPES = {
    "a byte order mark": "\ufeff" + f"{HEADER}\n{line(1)}\n{line(2)}\n",
    "line ends of Windows": f"{HEADER}\r\n{line(1)}\r\n{line(2)}\r\n",
    "line ends of two kinds": f"{HEADER}\n{line(1)}\r\n{line(2)}\n",
    "line ends of old": f"{HEADER}\r{line(1)}\r{line(2)}\r",
    "no last line end": f"{HEADER}\n{line(1)}\n{line(2)}",
    "a line break in a quoted field": f"{HEADER}\n{line(1, chr(34) + 'a' + chr(10) + 'b' + chr(34))}\n{line(2)}\n",
    "a doubled quote": f"{HEADER}\n{line(1, chr(34) + '5' + chr(34) * 2 + chr(34))}\n{line(2)}\n",
    "blank lines": f"{HEADER}\n\n{line(1)}\n\n{line(2)}\n\n",
    "semicolons": f"{HEADER}\n{line(1)}\n{line(2)}\n".replace(",", ";"),
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_a_csv_file_of_any_usual_shape_is_read(desk: Desk, text: str) -> None:
    assert imported(desk, text) == ({"t1", "t2"}, [])


def test_a_csv_file_with_a_header_alone_is_a_table_without_rows(desk: Desk) -> None:
    assert imported(desk, f"{HEADER}\n") == (set(), [])


BROKEN = {
    "t9,a,2025-05-01T00:00:00Z": "3 fields in a line where the header has 9",
    line(9) + ",more,fields": "11 fields in a line where the header has 9",
    line(9, '"open'): "a quote that is not closed",
    line(9, '"a"b'): "a quote inside a field, not doubled",
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("quoted_after", [False, True])
def test_a_broken_line_is_set_aside_and_every_other_line_comes_in(desk: Desk, broken: str, quoted_after: bool) -> None:
    later = line(3, '"x\ny"') if quoted_after else line(3)
    ids, aside = imported(desk, f"{HEADER}\n{line(1)}\n{broken}\n{line(2)}\n{later}\n{line(4)}\n")
    assert ids == {"t1", "t2", "t3", "t4"}
    assert [row["reason"] for row in aside] == [BROKEN[broken]]
    original = json.loads(str(aside[0]["original"]))
    assert (aside[0]["row_number"], original["line"], original["text"]) == (2, 3, broken)


def test_a_line_that_is_not_utf_8_is_set_aside(desk: Desk) -> None:
    text = f"{HEADER}\n{line(1)}\n".encode() + b"t2,\xff\xfe,\n" + f"{line(3)}\n".encode()
    ids, aside = imported(desk, text)
    assert ids == {"t1", "t3"}
    assert [row["reason"] for row in aside] == ["not UTF-8 text"]
    assert json.loads(str(aside[0]["original"]))["text"] == "t2,\\xff\\xfe,"


def test_a_line_that_is_too_long_is_set_aside_with_its_beginning(desk: Desk) -> None:
    long = line(9, "x" * MAX_LINE_BYTES)
    ids, aside = imported(desk, f"{HEADER}\n{line(1)}\n{long}\n{line(2)}\n")
    assert ids == {"t1", "t2"}
    assert [row["reason"] for row in aside] == ["a line longer than 16,000,000 bytes"]
    text = json.loads(str(aside[0]["original"]))["text"]
    assert text == f"{long[:1000]} … (cut after 1,000 bytes)"


@pytest.mark.parametrize("note", ["x" * 2_500_000, '"' + "x" * 200_000 + '"'], ids=["plain", "quoted"])
def test_a_long_field_is_read_beside_a_broken_line(desk: Desk, note: str) -> None:
    ids, aside = imported(desk, f"{HEADER}\n{line(1, note)}\noops\n{line(2)}\n")
    assert (ids, len(aside)) == ({"t1", "t2"}, 1)


HEADERLESS = {
    b"": "it is empty",
    b"\xef\xbb\xbf": "it is empty",
    b"\n" + HEADER.encode(): "its first line is blank",
    b"\xff" + HEADER.encode(): "it is not UTF-8 text",
    b'"a\nb",c\n': "its first line has a quote that is not closed",
    b"x" * 16_000_001: "its first line is longer than 16,000,000 bytes",
    b"x" * 200_000: r"has no column transfer_id, account_id",
}


@pytest.mark.parametrize("text", HEADERLESS, ids=range(len(HEADERLESS)))
def test_a_csv_file_without_a_header_is_refused_with_what_is_wrong(desk: Desk, text: bytes) -> None:
    with pytest.raises(Invalid, match=rf"^transfers\.csv .*{HEADERLESS[text]}"):
        imported(desk, text)


def test_a_packed_file_that_is_cut_far_behind_its_header_is_named(desk: Desk) -> None:
    rows = "".join(f"{line(n, os.urandom(20).hex())}\n" for n in range(40_000))
    with pytest.raises(Invalid, match=r"transfers\.csv\.gz cannot be read"):
        imported(desk, gzip.compress(f"{HEADER}\n{rows}".encode())[:-1000], "transfers.csv.gz")


NOISE = st.text(alphabet='ab,"\n\r;é', max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.lists(NOISE.filter(lambda text: text.count('"') % 2 == 0), min_size=1, max_size=5))
def test_whatever_stands_between_them_good_lines_come_in(
    tmp_path_factory: pytest.TempPathFactory, noise: list[str]
) -> None:
    desk = Desk(tmp_path_factory.mktemp("noise"))
    parts = [part for number, text in enumerate(noise) for part in (line(number), text)]
    ids, _ = imported(desk, "\n".join([HEADER, *parts, line(len(noise))]) + "\n")
    assert {f"t{number}" for number in range(len(noise) + 1)} <= ids


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_column_that_differs_by_case_or_blanks_is_ours_and_told(desk: Desk, ending: str) -> None:
    rows = transfers().rename(columns={"amount_usd": "Amount_USD", "account_id": " account_id"})
    folder = desk.folder({"accounts": accounts("a")})
    write = rows.to_csv if ending == "csv" else rows.to_parquet
    write(folder / f"transfers.{ending}", index=False)
    done = desk.importing().folder(folder)
    assert done.tables["transfers"].accepted == 3
    assert f"transfers.{ending}: column 'Amount_USD' was read as amount_usd." in done.notices


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_two_columns_that_cannot_be_told_apart_are_named_and_nothing_is_imported(desk: Desk, ending: str) -> None:
    folder: Path = desk.folder({"accounts": accounts("a")})
    rows = transfers().assign(AMOUNT=1.0)
    write = rows.to_csv if ending == "csv" else rows.to_parquet
    write(folder / f"transfers.{ending}", index=False)
    with pytest.raises(Invalid, match=rf"transfers\.{ending} .*'amount' and 'AMOUNT'"):
        desk.importing().folder(folder)
    assert desk.home.lake.version is None


MAPPING = """
name: notes
tables:
  transfers:
    - file: notes.csv
      only: {column: kind, equals: in}
      columns:
        transfer_id: {row: note}
        account_id: {column: who}
        ts: {column: at}
        direction: {constant: deposit}
        asset: {constant: USD}
        amount: {column: usd}
        amount_usd: {column: usd}
        counterparty_type: {constant: bank}
"""


def test_a_broken_line_of_a_foreign_file_is_set_aside_once(desk: Desk) -> None:
    desk.take(accounts=accounts("a"))
    folder = desk.folder({})
    good = "in,a,2025-05-01T00:00:00Z,5"
    (folder / "notes.csv").write_text(f"kind,who,at,usd\n{good}\nin,a\nout,a,2025-05-01T00:00:00Z,5\n{good}\n")
    (desk.place / "notes.yaml").write_text(MAPPING)
    done = desk.importing().mapped(folder, load_mapping(str(desk.place / "notes.yaml")))
    assert done.tables["transfers"].reasons == {"2 fields in a line where the header has 4": 1}
    assert done.tables["transfers"].accepted == 2
