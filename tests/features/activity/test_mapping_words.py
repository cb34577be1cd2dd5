"""The short words of a mapping: every scalar is text as written, and every epoch unit can be said."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.activity.importing import ImportReport
from features.activity.mapping import load_mapping
from features.activity.schema import TABLES
from tests.features.activity.exports import Desk

NORDIC = """
name: nordic
accounts_from_parties: {kind: retail, country: NO, market_maker: off}
tables:
  transfers:
    - file: payments.csv
      columns: &payment
        transfer_id: {column: id}
        account_id: {column: who}
        ts: {column: at}
        direction: {constant: deposit}
        asset: {constant: NOK}
        amount: {constant: 1}
        amount_usd: {constant: 1e3}
        counterparty_type: {constant: bank}
        network: {column: land, words: {NO: norway, SE: on, 0123: yes}}
        address: {constant: 0123}
        source_address: {constant: 12:30:45}
        risk_category: {constant: }
        hops: {column: land, words: {NO: 2, SE: 0x10}}
"""
PAYMENTS = "id,who,at,land\np1,N1,2025-05-20T10:00:00Z,NO\np2,N2,2025-05-20T10:00:00Z,0123\n"
MILLISECONDS = 1718409000123
COLUMNS = "id,who,at\n{},X,{}\n"


def imported(desk: Desk, document: str, files: dict[str, str]) -> ImportReport:
    """The import of text files through a mapping that is written as text."""
    folder = desk.folder({})
    for name, text in files.items():
        (folder / name).write_text(text)
    path = desk.place / "words.yaml"
    path.write_text(document)
    return desk.importing().mapped(folder, load_mapping(str(path)))


def test_unquoted_words_of_yaml_stay_text_and_are_typed_by_their_column(desk: Desk) -> None:
    done = imported(desk, NORDIC.replace("off", "false").replace("0x10", "3"), {"payments.csv": PAYMENTS})
    assert desk.stored("accounts", "account_id, country, owner_id, market_maker") == [
        ["N1", "NO", None, False],
        ["N2", "NO", None, False],
    ]
    columns = "transfer_id, network, address, source_address, risk_category, hops, amount, amount_usd"
    assert desk.stored("transfers", columns) == [
        ["p1", "norway", "0123", "12:30:45", None, 2, 1.0, 1000.0],
        ["p2", "yes", "0123", "12:30:45", None, 123, 1.0, 1000.0],
    ]
    assert done.tables["transfers"].reasons == {}


@pytest.mark.parametrize("column", [c.name for c in TABLES["accounts"].columns if c.kind == "bool"])
def test_accounts_made_of_parties_pass_the_checks_of_every_row(desk: Desk, column: str) -> None:
    given = {"kind": "retail", "country": "ZZ", "market_maker": "false", column: "perhaps"}
    shared = ", ".join(f"{name}: {value}" for name, value in given.items())
    text = NORDIC.replace("kind: retail, country: NO, market_maker: off", shared)
    done = imported(desk, text, {"payments.csv": PAYMENTS})
    assert (done.tables["accounts"].read, done.tables["accounts"].accepted) == (2, 0)
    assert [reason.split(":")[0] for reason in done.tables["accounts"].reasons] == [column]
    assert done.tables["transfers"].reasons == {"account_id: unknown account": 2}


def test_an_account_is_created_at_its_first_row(desk: Desk) -> None:
    later = PAYMENTS + "p3,N1,2025-05-01T00:00:00Z,NO\n"
    imported(desk, NORDIC.replace("off", "false"), {"payments.csv": later})
    (born,) = (row[1] for row in desk.stored("accounts", "account_id, created_at") if row[0] == "N1")
    assert born == pd.Timestamp("2025-05-01T00:00Z")


@pytest.mark.parametrize(
    ("conversion", "value", "moment"),
    [
        ("times: 0.001, seconds: true", "1718409000123", "2024-06-14T23:50:00.123Z"),
        ("milliseconds: true", "1718409000123", "2024-06-14T23:50:00.123Z"),
        ("microseconds: true", "1718409000123456", "2024-06-14T23:50:00.123456Z"),
        ("nanoseconds: true", "1718409000123456789", "2024-06-14T23:50:00.123456Z"),
        ("seconds: true", "1718409000.123456", "2024-06-14T23:50:00.123456Z"),
        ("times: 86400, seconds: true", "19888.5", "2024-06-14T12:00:00Z"),
        ("times: day, seconds: true", "19888.5", "2024-06-14T12:00:00Z"),
        ("milliseconds: true, plus_days: 0.5", "1718409000123", "2024-06-15T11:50:00.123Z"),
        ("plus_days: 0.5", "2024-06-14T23:50:00Z", "2024-06-15T11:50:00Z"),
        ("plus_days: -0.25", "2024-06-14T23:50:00.000001+02:00", "2024-06-14T15:50:00.000001Z"),
        ("words: {never: 1718409000}, seconds: true", "never", "2024-06-14T23:50:00Z"),
        ("seconds: false", "2024-06-14T23:50:00Z", "2024-06-14T23:50:00Z"),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_moment_is_made_of_every_unit_exactly(
    desk: Desk, conversion: str, value: str, moment: str, ending: str
) -> None:
    numeric = ending == "parquet" and value.replace(".", "").isdigit()
    number: Any = (float(value) if "." in value else int(value)) if numeric else value
    folder = desk.folder({"fills": pd.DataFrame({"id": ["a"], "who": ["X"], "at": [number]})}, ending)
    text = NORDIC.replace("off", "false").replace("payments.csv", f"fills.{ending}")
    text = text.replace("ts: {column: at}", f"ts: {{column: at, {conversion}}}")
    text = "\n".join(line for line in text.splitlines() if "column: land" not in line) + "\nconstants: {day: 86400}\n"
    path = desk.place / "words.yaml"
    path.write_text(text)
    done = desk.importing().mapped(folder, load_mapping(str(path)))
    assert done.tables["transfers"].reasons == {}
    assert desk.stored("transfers", "ts") == [[pd.Timestamp(moment)]]


@pytest.mark.parametrize("conversion", ["seconds: true", "milliseconds: true", "plus_days: 7"])
@pytest.mark.parametrize("value", ["soon", "1e300", "12:30"])
def test_what_is_no_moment_is_set_aside_as_it_stands_in_the_file(desk: Desk, conversion: str, value: str) -> None:
    text = NORDIC.replace("off", "false").replace("ts: {column: at}", f"ts: {{column: at, {conversion}}}")
    done = imported(desk, text, {"payments.csv": f"id,who,at,land\np1,N1,{value},NO\n"})
    (reason,) = done.tables["transfers"].reasons
    assert reason.startswith("ts: ")
    assert reason != "ts: missing although required"
    (aside,) = desk.home.quarantine.rows().to_pylist()
    assert json.loads(aside["original"])["ts"] == value


@pytest.mark.parametrize(
    ("written", "ids"),
    [("1", "abc"), ("1.0", "abc"), ("01", "c"), ("NO", "d"), ("true", "ae"), ("null", "f"), ("No", "")],
)
def test_only_takes_rows_whose_value_is_the_one_written(desk: Desk, written: str, ids: str) -> None:
    kinds = {"a": "1", "b": "1.0", "c": "01", "d": "NO", "e": "true", "f": "null", "g": "False"}
    rows = "".join(f"{name},N1,2025-05-20T10:00:00Z,{kind}\n" for name, kind in kinds.items())
    lines = [line for line in NORDIC.replace("off", "false").splitlines() if "hops" not in line]
    lines.insert(6, f"      only: {{column: land, equals: {written}}}")
    text = "\n".join(lines)
    done = imported(desk, text, {"payments.csv": f"id,who,at,land\n{rows}"})
    assert done.tables["transfers"].read == len(ids)
    assert not ids or "".join(row[0] for row in desk.stored("transfers", "transfer_id")) == ids


def test_a_merged_entry_takes_the_columns_of_the_other(desk: Desk) -> None:
    other = (
        "    - file: payments.csv\n      columns:\n        <<: *payment\n        direction: {constant: withdrawal}\n"
    )
    imported(desk, NORDIC.replace("off", "false") + other, {"payments.csv": PAYMENTS.rsplit("p2", 1)[0]})
    assert desk.stored("transfers", "direction, network") == [["deposit", "norway"], ["withdrawal", "norway"]]


def test_the_words_of_before_give_the_rows_of_the_select(desk: Desk) -> None:
    old = Path(__file__).parent / "words_of_before.yaml"
    pairs = pd.DataFrame(
        {
            "from_account": ["0xa", "0xb", "0xa"],
            "to_account": ["0xb", "0xc", "0xa"],
            "amount_eth": [1.1, 2.3, 0.0],
            "n_transactions": [3, 1, 1],
            "timestamp": pd.to_datetime(["2017-01-01", "2017-01-02", "2017-01-03"]),
        }
    )
    other = Desk(desk.place / "other")
    known = pd.DataFrame({"account": ["0xb", "0xc", "0xz"], "label": [1, 0, 1]})
    for each, mapping in ((desk, str(old)), (other, "eth-phishing")):
        each.take_mapped(mapping, transfers=pairs, labels_train=known)
    for table in ("transfers", "accounts"):
        assert desk.stored(table, "*") == other.stored(table, "*")
    assert desk.set_aside() == other.set_aside()
