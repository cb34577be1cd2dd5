"""Identifiers compare in one form and are shown as they were written; what stands for unknown links nobody."""

from pathlib import Path

import pandas as pd
import pytest

from features.evidence import feature_evidence
from features.pipeline import Features
from features.spellings import as_written
from tests.features.activity.exports import Desk, accounts, transfers
from tests.features.activity.good_rows import good_row

WALLET = "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B"
LINKED = "link_probability_max"
SHARED = {
    "sessions": ["ip", "device_id"],
    "verifications": ["document_hash", "face_hash"],
    "accounts": ["owner_id"],
    "transfers": ["address"],
}
PLACES = [(table, column) for table, columns in SHARED.items() for column in columns]
UNKNOWN = ["unknown", "N/A ", "null", "0x0000000000000000", "00000000-0000-0000-0000-000000000000", "0.0.0.0"]  # noqa: S104


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Nothing imported yet."""
    return Desk(tmp_path)


def sharing(desk: Desk, table: str, column: str, values: tuple[str, str]) -> Features:
    """Two accounts, strangers but for one value each in one column."""
    owners = dict(zip("ab", values, strict=True)) if table == "accounts" else {"a": None, "b": None}
    frames = {"accounts": pd.concat([accounts(name, owner_id=owner) for name, owner in owners.items()])}
    if table != "accounts":
        rows = [good_row(table, account_id=name, **{column: value}) for name, value in zip("ab", values, strict=True)]
        apart = [name for name in SHARED[table] if name != column]
        frame = pd.DataFrame(rows).assign(**{name: ["198.51.100.1", "198.51.100.2"] for name in apart})
        ids = {"sessions": "session_id", "transfers": "transfer_id"}
        if table in ids:
            frame[ids[table]] = ["1", "2"]
        if table == "transfers":
            kind = {"direction": "withdrawal", "counterparty_type": "self_hosted", "counterparty_account_id": None}
            frame = frame.assign(**kind)
        if table == "verifications":
            frame = frame.assign(name_hash=["n1", "n2"], birth_hash=["b1", "b2"], status="approved")
        frames[table] = frame
    desk.take(**frames)
    return Features(desk.home.lake)


def linked(features: Features) -> float:
    """How surely account `a` is linked to anybody."""
    vectors = features.vectors(features.accounts("2025-05-02")).set_index("account_id")
    return float(vectors[LINKED]["a"])


@pytest.mark.parametrize(("table", "column"), PLACES)
def test_a_shared_value_links_two_accounts_however_it_is_written(desk: Desk, table: str, column: str) -> None:
    assert linked(sharing(desk, table, column, (WALLET, f" {WALLET}"))) > 0


@pytest.mark.parametrize(("table", "column"), PLACES)
def test_what_stands_for_unknown_links_nobody(desk: Desk, table: str, column: str) -> None:
    features = sharing(desk, table, column, (UNKNOWN[0], UNKNOWN[0]))
    assert linked(features) == 0
    values = ", ".join(f"'{text}'" for text in UNKNOWN)
    assert len(features.engine.frame(f"SELECT * FROM fact_holdings WHERE value IN ({values})")) == 0


def test_evidence_shows_an_address_as_it_was_written(desk: Desk) -> None:
    rows = transfers(
        2, direction="withdrawal", counterparty_type="self_hosted", address=WALLET, asset="usdt", symbol=None
    ).drop(columns="symbol")
    desk.take(accounts=accounts("a"), transfers=rows)
    features = Features(desk.home.lake)
    held = features.engine.frame("SELECT DISTINCT address, asset FROM transfers")
    assert held.to_dict("records") == [{"address": WALLET.lower(), "asset": "USDT"}]
    assert as_written(features.engine, [WALLET.lower(), "USDT", "BTC"]) == {WALLET.lower(): WALLET, "USDT": "usdt"}
    shown = feature_evidence(features, "out_usd_7d", "a", "2025-05-02")
    assert set(shown.rows["other"]) == {WALLET}
    assert set(shown.rows["asset"]) == {"usdt"}


def test_an_account_that_is_called_like_a_stand_in_can_be_referred_to(desk: Desk) -> None:
    desk.take(accounts=accounts("none", "b", "c", referrer_id=[None, "none", "unknown"]))
    held = Features(desk.home.lake).engine.frame("SELECT account_id, referrer_id FROM accounts ORDER BY account_id")
    assert held["account_id"].tolist() == ["b", "c", "none"]
    assert held["referrer_id"].fillna("").tolist() == ["none", "", ""]
