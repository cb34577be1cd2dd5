"""The page on mappings: every mapping that it shows imports what it is said to read."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.activity.mapping import load_mapping
from tests.features.activity.exports import Desk

PAGE = Path(__file__).parents[3] / "docs" / "mappings.md"
BLOCKS = dict(re.findall(r"```yaml\n(name: (?P<name>\S+)\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
SHOWN = {text.split()[1]: text for text in BLOCKS}
EXPECTED = {
    "payments-only": {"transfers": 2, "accounts": 2},
    "payments-with-fraud": {"transfers": 2, "reports": 1, "labels": 2, "accounts": 2},
    "ethereum": {"transfers": 4, "labels": 1, "accounts": 3},
    "fills": {"trades": 1, "accounts": 2},
    "deposits": {"transfers": 1, "accounts": 1},
}


def export(desk: Desk) -> Path:
    """A folder with every file that the page reads."""
    payments = {
        "TRANSACTION_ID": [0, 1],
        "TX_DATETIME": pd.to_datetime(["2018-04-01", "2018-04-02"]),
        "CUSTOMER_ID": [596, 4961],
        "TERMINAL_ID": [3156, 3412],
        "TX_AMOUNT": [57.16, 81.51],
        "TX_FRAUD": [0, 1],
    }
    pairs = {
        "from_account": ["0xa", "0xb"],
        "to_account": ["0xb", "0xc"],
        "amount_eth": [1.5, 2.0],
        "n_transactions": [3, 1],
        "timestamp": pd.to_datetime(["2017-01-01", "2017-01-02"]),
    }
    reported = {"account": ["0xb"], "label": [1]}
    frames: dict[str, dict[str, Any]] = {"transactions": payments, "transfers": pairs, "labels_train": reported}
    folder = desk.folder({name: pd.DataFrame(columns) for name, columns in frames.items()})
    fills = "BTC-USDT,7,anna,ben,60000,-0.5,1718409000123\nTEST,8,anna,ben,1,1,1718409000123\n"
    (folder / "fills.csv").write_text(fills)
    deposits = "customer,time,coin,sats,usd,state\nanna,1718409000123,XBT,250000000,150000,done\nben,1,XBT,1,1,open\n"
    (folder / "deposits.csv").write_text(deposits)
    return folder


def imported(desk: Desk, name: str) -> dict[str, int]:
    """Rows accepted a table, through a mapping of the page."""
    path = desk.place / f"{name}.yaml"
    path.write_text(SHOWN[name])
    done = desk.importing().mapped(export(desk), load_mapping(str(path)))
    assert all(report.quarantined == 0 for report in done.tables.values())
    return {table: report.accepted for table, report in done.tables.items()}


def test_every_mapping_of_the_page_is_known_here() -> None:
    assert SHOWN.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_mapping_of_the_page_imports_what_it_reads(desk: Desk, name: str) -> None:
    assert imported(desk, name) == EXPECTED[name]


def test_the_rows_are_those_that_the_page_tells(desk: Desk) -> None:
    imported(desk, "fills")
    assert desk.stored("trades", "trade_id, notional_usd, ts") == [
        ["BTC-USDT-7", 30_000.0, pd.Timestamp("2024-06-14T23:50:00.123Z")]
    ]
    imported(desk, "deposits")
    assert desk.stored("transfers", "transfer_id, asset, amount") == [["deposit-1", "BTC", 2.5]]
