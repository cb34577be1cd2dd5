"""Kept SQL: compiled once for all processes of one version of the code, compiled again where the file is damaged."""

from pathlib import Path

import ibis
import pandas as pd
import pytest

from features.activity.importing import Import
from features.definitions import CATALOGUE
from features.engines import compiling
from features.engines.compiling import KeptSql, compiled
from features.home import Home
from features.kernel.progress import silent
from features.pipeline import Features

ROWS = ibis.table({"a": "int64"}, name="rows")
MOMENT = pd.Timestamp("2025-06-01T00:00:00Z")


def refused() -> str:
    """Stands for a compilation that must not happen."""
    pytest.fail("it was compiled again")


def test_what_was_compiled_is_there_for_the_next_process(tmp_path: Path) -> None:
    first = KeptSql(tmp_path)
    text = first.of("rows", lambda: compiled(ROWS))
    first.keep()
    assert KeptSql(tmp_path).of("rows", refused) == text


def test_other_code_compiles_anew_and_leaves_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptSql(tmp_path)
    kept.of("rows", lambda: "SELECT 1")
    kept.keep()
    monkeypatch.setattr(compiling, "name_of_code", lambda: "other")
    other = KeptSql(tmp_path)
    assert other.of("rows", lambda: "SELECT 2") == "SELECT 2"
    other.keep()
    assert [path.name for path in tmp_path.iterdir()] == ["sql-other.json"]


@pytest.mark.parametrize("damaged", ["", "{", "[1]", '"text"'])
def test_a_damaged_file_is_compiled_again(tmp_path: Path, damaged: str) -> None:
    kept = KeptSql(tmp_path)
    kept.of("rows", lambda: "SELECT 1")
    kept.keep()
    (file,) = tmp_path.iterdir()
    file.write_text(damaged)
    assert KeptSql(tmp_path).of("rows", lambda: "SELECT 2") == "SELECT 2"


def test_a_feature_of_somebody_else_is_not_taken_for_that_of_the_catalogue(tmp_path: Path) -> None:
    home, folder = Home(tmp_path / "home"), tmp_path / "export"
    folder.mkdir()
    row = {"account_id": ["A"], "created_at": MOMENT - pd.Timedelta(days=40), "kind": "retail", "country": "DE"}
    pd.DataFrame({**row, "market_maker": False}).to_parquet(folder / "accounts.parquet")
    stakes = {"event_id": ["s1", "s2"], "account_id": "A", "ts": MOMENT - pd.Timedelta(days=9), "action": "stake"}
    pd.DataFrame({**stakes, "asset": "USDT", "amount_usd": 100.0}).to_parquet(folder / "staking.parquet")
    Import(home.lake, home.quarantine, MOMENT.to_pydatetime(), silent).folder(folder)
    staked = CATALOGUE["staked_usd"]
    mine = type(staked)(
        "staked_usd", staked.of, CATALOGUE["unstakes_n_90d"].value, staked.window, "count", "stakes", "M"
    )
    values = []
    for feature in (staked, mine, staked):
        features = Features(home.lake)
        values += features.vectors(features.accounts(MOMENT), [feature])["staked_usd"].tolist()
    assert values == [200.0, 2.0, 200.0]
