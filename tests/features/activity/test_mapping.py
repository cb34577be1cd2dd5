"""Mappings: the shipped ones make our tables of foreign ones; a mistaken one is refused before anything is imported."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from features.activity.mapping import load_mapping
from features.kernel.errors import Invalid, NotFound
from features.labels import read_labels
from features.pipeline import Features
from tests.features.activity.exports import Desk

REPOSITORY = Path(__file__).parents[3]
SHARED = Path(os.environ.get("MSCORE_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
ETH = SHARED / "eth-phishing"

PAIRS = pd.DataFrame(
    {
        "from_account": ["0xa", "0xb", "0xa"],
        "to_account": ["0xb", "0xc", "0xa"],
        "amount_eth": [1.5, 2.0, 0.0],
        "n_transactions": [3, 1, 1],
        "timestamp": pd.to_datetime(["2017-01-01", "2017-01-02", "2017-01-03"]),
    }
)
REPORTED = pd.DataFrame({"account": ["0xb", "0xc", "0xz"], "label": [1, 0, 1]})
PAYMENTS = pd.DataFrame(
    {
        "TRANSACTION_ID": [10, 11, 12],
        "TX_DATETIME": pd.to_datetime(["2018-04-01", "2018-04-02", "2018-04-03"]),
        "CUSTOMER_ID": [596, 4961, 596],
        "TERMINAL_ID": [3156, 3412, 3156],
        "TX_AMOUNT": [57.16, 81.51, 146.0],
        "TX_FRAUD": [0, 1, 0],
    }
)
SMALL: dict[str, Any] = {
    "name": "small",
    "accounts_from_parties": {"kind": "retail", "country": "ZZ", "market_maker": False},
    "constants": {"rate": 2.0},
    "tables": {
        "transfers": [
            {
                "file": "moves.csv",
                "only": {"column": "kind", "equals": 1},
                "columns": {
                    "transfer_id": {"row": "m"},
                    "account_id": {"column": "who"},
                    "ts": {"column": "at", "seconds": True},
                    "direction": {"constant": "deposit"},
                    "asset": {"constant": "EUR"},
                    "amount": {"column": "sum"},
                    "amount_usd": {"column": "sum", "times": "rate"},
                    "counterparty_type": {"constant": "bank"},
                },
            }
        ]
    },
}


def test_a_sum_between_two_accounts_becomes_two_legs_and_its_parties_accounts(desk: Desk) -> None:
    done = desk.take_mapped("eth-phishing", transfers=PAIRS, labels_train=REPORTED)
    assert (done.tables["transfers"].read, done.tables["transfers"].accepted) == (6, 6)
    assert done.tables["accounts"].accepted == 3
    engine = Features(desk.home.lake).engine
    legs = engine.frame(
        "SELECT account_id, counterparty_account_id AS other, direction, amount_usd, n_events "
        "FROM transfers WHERE transfer_id = 'eth-1' ORDER BY direction"
    )
    assert legs.values.tolist() == [
        ["0xb", "0xa", "internal_in", 450.0, 3],
        ["0xa", "0xb", "internal_out", 450.0, 3],
    ]
    born = engine.frame("SELECT account_id, created_at FROM accounts ORDER BY account_id")["created_at"]
    assert born.tolist() == [int(pd.Timestamp(f"2017-01-0{day}").timestamp() * 1e6) for day in (1, 1, 2)]


def test_undated_labels_are_known_from_the_start_and_one_of_a_stranger_is_set_aside(desk: Desk) -> None:
    done = desk.take_mapped("eth-phishing", transfers=PAIRS, labels_train=REPORTED)
    found = read_labels(desk.home.lake)
    assert found[["account_id", "finding"]].values.tolist() == [["0xb", "confirmed"], ["0xc", "cleared"]]
    assert set(found["known_at"]) == {pd.Timestamp(0, tz="UTC")}
    assert done.tables["labels"].reasons == {"account_id: unknown account": 1}


def test_a_file_that_the_mapping_calls_optional_may_be_absent_and_another_may_not(desk: Desk) -> None:
    assert desk.take_mapped("eth-phishing", transfers=PAIRS).lake_version == "1"
    with pytest.raises(Invalid, match=r"has no transfers\.parquet"):
        desk.take_mapped("eth-phishing", labels_train=REPORTED)


def test_a_card_payment_becomes_a_withdrawal_and_its_fraud_a_label_and_a_report_a_week_later(desk: Desk) -> None:
    done = desk.take_mapped("fdh", transactions=PAYMENTS)
    read = {name: report.accepted for name, report in done.tables.items()}
    assert read == {"transfers": 3, "reports": 1, "labels": 3, "accounts": 2}
    reports = Features(desk.home.lake).engine.frame("SELECT report_id, subject_id, ts FROM reports")
    assert reports.values.tolist() == [["fraud-2", "11", int(pd.Timestamp("2018-04-09").timestamp() * 1e6)]]
    confirmed = read_labels(desk.home.lake).query("finding == 'confirmed'")
    assert confirmed[["account_id", "event_id", "typology"]].values.tolist() == [["4961", "11", "card_fraud"]]
    assert (confirmed["known_at"] - confirmed["onset"]).tolist() == [pd.Timedelta(days=7)]


def test_a_second_import_through_a_mapping_changes_nothing(desk: Desk) -> None:
    desk.take_mapped("fdh", transactions=PAYMENTS)
    again = desk.take_mapped("fdh", transactions=PAYMENTS)
    assert again.lake_version == "1"
    assert all(report.duplicates == report.read for report in again.tables.values())


def written(desk: Desk, **changes: Any) -> Path:
    """The small mapping as a file, with other entries."""
    path = desk.place / "small.yaml"
    path.write_text(yaml.safe_dump(SMALL | changes))
    return path


def moved(**columns: Any) -> dict[str, Any]:
    """The tables of the small mapping, with other columns."""
    (entry,) = SMALL["tables"]["transfers"]
    return {"transfers": [entry | {"columns": entry["columns"] | columns}]}


def test_csv_moments_in_seconds_sums_and_conditions_are_read_from_text(desk: Desk) -> None:
    moves = pd.DataFrame(
        {
            "who": ["x", "y", "z"],
            "at": [1_600_000_001.5, 1_600_000_002, 1_600_000_003],
            "sum": [10.0, 20.0, 30.0],
            "kind": [1, 0, 1],
        }
    )
    folder = desk.folder({"moves": moves.astype({"sum": str}).replace({"sum": {"30.0": "much"}})}, "csv")
    done = desk.importing().mapped(folder, load_mapping(str(written(desk))))
    assert (done.tables["transfers"].read, done.tables["transfers"].accepted) == (2, 1)
    assert done.tables["transfers"].reasons == {"amount: wrong type": 1}
    rows = Features(desk.home.lake).engine.frame("SELECT transfer_id, ts, amount, amount_usd FROM transfers")
    assert rows.values.tolist() == [["m-1", 1_600_000_001_500_000, 10.0, 20.0]]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"tables": {"shoes": [{"file": "f", "columns": {}}]}}, "makes table 'shoes', which does not exist"),
        ({"tables": {"transfers": {"file": "f"}}}, "tables.transfers requires a SELECT or a list of entries"),
        ({"tables": {"transfers": []}}, "tables.transfers requires a SELECT or a list of entries"),
        ({"tables": {"transfers": [{"file": "f"}]}}, r"transfers\[0\]\.columns is required"),
        ({"tables": {"transfers": [{"file": "f", "columns": ["ts"]}]}}, "requires entries of the form"),
        ({"tables": {"transfers": [{"file": "f", "columns": {}, "only": "x"}]}}, r"\[0\]\.only requires entries"),
        ({"tables": moved(colour={"constant": "red"})}, "no column 'colour'"),
        (
            {"tables": moved(amount={"col": "sum"})},
            r"has the unknown entry 'tables\.transfers\[0\]\.columns\.amount\.col'",
        ),
        ({"tables": moved(amount={"column": "sum", "row": "m"})}, r"\.amount requires one of column, constant or row"),
        (
            {"tables": moved(ts={"column": "at", "seconds": True, "milliseconds": True})},
            "counts in seconds and in milli",
        ),
        ({"tables": moved(ts={"column": "at", "plus_days": 1e9})}, r"\.plus_days input should be less than"),
        ({"constants": {"rate": "much"}}, "requires a number for times, not 'much'"),
        ({"tables": moved(amount_usd={"column": "sum", "times": "price"})}, "is not in the constants"),
        ({"tables": moved(amount_usd={"column": "sum", "times": [2]})}, r"\.times requires one value"),
        ({"tables": moved(ts={"column": "at", "plus_days": "soon"})}, r"\.plus_days requires a number, not 'soon'"),
        ({"tables": moved(asset={"column": "sum", "words": ["EUR"]})}, "requires entries of the form"),
        ({"constants": ["rate"]}, "constants requires entries"),
        ({"accounts_from_parties": "retail"}, "accounts_from_parties requires entries"),
        ({"accounts_from_parties": {"kind": "robot"}}, "gives kind 'robot'"),
        ({"accounts_from_parties": {"kind": "retail"}}, "lacks country"),
        ({"accounts_from_parties": {"kind": "retail", "owner_id": ""}}, "owner_id has no value"),
        ({"sources": {"a": "x.csv", "A": "y.csv"}}, "differ by case only"),
        ({"sources": {"a": {"file": "x.csv", "header": False}}}, "a has no header, so name its 'columns'"),
        ({"sources": {"a": {"file": "x.csv", "columns": ["b"]}}}, "a has a header, so leave 'columns' out"),
        ({"tabels": {}}, "has the unknown entry 'tabels'"),
        ({"tables": ""}, "has no 'tables'"),
        ({"tables": "transfers"}, "tables requires entries of the form"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_with_the_place(
    desk: Desk, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(Invalid, match=complaint):
        load_mapping(str(written(desk, **changes)))


def test_a_select_of_a_missing_column_imports_nothing_and_names_the_entry(desk: Desk) -> None:
    complaint = r'fdh\.yaml: tables\.transfers: the SELECT fails: .*"TERMINAL_ID" not found.*Nothing was imported'
    with pytest.raises(Invalid, match=complaint):
        desk.take_mapped("fdh", transactions=PAYMENTS.drop(columns="TERMINAL_ID"))
    assert desk.home.lake.version is None


def test_a_mapping_that_reads_a_missing_column_imports_nothing(desk: Desk) -> None:
    folder = desk.folder({"moves": pd.DataFrame({"at": [1], "sum": [1.0], "kind": [1]})}, "csv")
    with pytest.raises(Invalid, match=r"moves\.csv has no column 'who', which mapping small reads"):
        desk.importing().mapped(folder, load_mapping(str(written(desk))))
    assert desk.home.lake.version is None


def test_a_mapping_that_makes_no_required_column_is_refused(desk: Desk) -> None:
    tables = moved()
    del tables["transfers"][0]["columns"]["asset"]
    folder = desk.folder({"moves": pd.DataFrame({"who": ["x"], "at": 1, "sum": 1.0, "kind": 1})}, "csv")
    mapping = load_mapping(str(written(desk, tables=tables)))
    with pytest.raises(Invalid, match=r"makes no transfers\.asset"):
        desk.importing().mapped(folder, mapping)


def test_an_unknown_mapping_and_a_file_that_is_no_yaml_are_refused(desk: Desk) -> None:
    with pytest.raises(NotFound, match=r"no mapping 'nothing'.*eth-phishing, fdh"):
        load_mapping("nothing")
    broken = desk.place / "broken.yaml"
    broken.write_text("tables: [")
    with pytest.raises(Invalid, match=r"broken\.yaml is not a YAML file: line 1"):
        load_mapping(str(broken))
    broken.write_text("tables:\n  transfers: SELECT 1\n  transfers: SELECT 2\n")
    with pytest.raises(Invalid, match=r"line 3: 'transfers' is given twice"):
        load_mapping(str(broken))


@pytest.mark.skipif(not ETH.is_dir(), reason=f"the shared data set is not at {SHARED}")
def test_nothing_of_the_shared_phishing_data_is_lost(desk: Desk) -> None:
    done = desk.importing().mapped(ETH, load_mapping("eth-phishing"))
    accepted = {name: (report.read, report.accepted) for name, report in done.tables.items()}
    assert accepted == {"transfers": (212_166, 212_166), "labels": (623, 623), "accounts": (86_622, 86_622)}
    assert desk.home.lake.counts() == {"accounts": 86_622, "labels": 623, "transfers": 212_166}
    assert desk.set_aside() == []
