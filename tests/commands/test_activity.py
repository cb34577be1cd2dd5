"""The commands that bring activity in and make vectors of it."""

from pathlib import Path

import pandas as pd
import pytest

from features.definitions import CATALOGUE
from features.home import Home
from features.pipeline import Features
from features.simulator.exchange import Simulation
from tests.commands.calling import ACCOUNT, AS_OF, Call
from tests.flock import flock_tables, write_flock


def test_a_wrong_import_leaves_no_lake_behind(call: Call, places: dict[str, str], tmp_path: Path) -> None:
    for folder in ("broken", "lacking"):
        call("import", f"{places['tmp']}/{folder}", "--home", str(tmp_path))
    assert Home(tmp_path).lake.version is None
    assert Home(tmp_path).quarantine.rows().num_rows == 0


def test_an_import_with_bad_rows_is_done_and_says_what_was_set_aside(call: Call, tmp_path: Path) -> None:
    folder, home = write_flock(tmp_path / "export"), str(tmp_path / "home")
    trades = flock_tables()["trades"]
    spoilt = trades.assign(price=trades["price"].where(trades.index != 3, float("inf")))
    spoilt.to_parquet(folder / "trades.parquet")
    said = call("import", str(folder), "--home", home, "--json")
    assert (said.code, said.document["lake_version"]) == (0, "1")
    report = said.document["tables"]["trades"]
    assert report["read"] == report["accepted"] + report["quarantined"] == len(trades)
    assert report["reasons"] == {"price: not a finite number": 1}
    listed = call("quarantine", "list", "--home", home, "--json").document
    assert (listed["total"], listed["rows"][0]["reason"]) == (1, "price: not a finite number")
    assert call("quarantine", "list", "--home", home).code == 0


def test_an_import_that_accepts_nothing_says_why_and_fails(call: Call, tmp_path: Path) -> None:
    home, folder = str(tmp_path / "home"), tmp_path / "export"
    folder.mkdir()
    flock_tables()["trades"].to_parquet(folder / "trades.parquet")
    said = call("import", str(folder), "--home", home, "--json")
    assert said.code == 2
    for words in ("trades.parquet", "maker_account_id: unknown account", "Nothing was accepted"):
        assert words in said.document["nothing_accepted"]
        assert words in said.err
    assert call("import", str(folder), "--home", home).code == 2


def test_a_folder_without_a_known_table_is_told_in_json_too(call: Call, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "shoes.csv").write_text("size\n44\n")
    said = call("import", str(tmp_path / "export"), "--home", str(tmp_path / "home"), "--json")
    assert (said.code, said.document["tables"]) == (2, {})
    assert "shoes.csv" in said.document["nothing_accepted"]


def test_an_import_of_known_rows_only_succeeds_and_corrections_are_counted(call: Call, tmp_path: Path) -> None:
    home, folder = str(tmp_path / "home"), write_flock(tmp_path / "export")
    assert call("import", str(folder), "--home", home, "--source", "flock").code == 0
    again = call("import", str(folder), "--home", home, "--json")
    assert again.code == 0
    assert all(report["duplicates"] == report["read"] for report in again.document["tables"].values())
    trades = flock_tables()["trades"]
    now = pd.Timestamp.now("UTC").floor("us")
    trades.iloc[:3].assign(cancelled=True, ingested_at=now).to_parquet(folder / "trades.parquet")
    report = call("import", str(folder), "--home", home, "--json").document["tables"]["trades"]
    assert (report["read"], report["accepted"], report["superseding"], report["redated"]) == (3, 0, 3, 0)


def test_rows_older_than_what_is_held_are_dated_by_the_import_unless_they_are_history(
    call: Call, tmp_path: Path
) -> None:
    home, folder = str(tmp_path / "home"), write_flock(tmp_path / "export")
    call("import", str(folder), "--home", home)
    trades = flock_tables()["trades"]
    for name, history in (("late", ()), ("history", ("--as-history",))):
        moved = trades.iloc[:2].assign(trade_id=[f"{name}1", f"{name}2"], ingested_at=trades["ts"])
        moved.to_parquet(folder / "trades.parquet")
        said = call("import", str(folder), "--home", home, "--json", *history)
        assert said.document["tables"]["trades"]["redated"] == (0 if history else 2)
    moved.assign(trade_id=["x1", "x2"]).to_parquet(folder / "trades.parquet")
    assert "count from this import on: 2 of trades" in call("import", str(folder), "--home", home).out


def test_a_simulation_is_written_and_counted(
    call: Call, simulated: Simulation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("features.commands.simulating.simulate_exchange", lambda *_: simulated)
    said = call("simulate", "--profile", "tiny", "--out", str(tmp_path / "out"), "--json")
    assert said.document["rows"]["accounts"] == simulated.activity["accounts"].num_rows
    assert (tmp_path / "out" / "truth").is_dir()


def test_labels_are_imported_from_a_file(call: Call, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    call("import", str(write_flock(tmp_path / "export")), "--home", home)
    rows = pd.DataFrame({"account_id": ["A1"], "typology": "phishing", "finding": "confirmed"})
    rows.to_csv(tmp_path / "labels.csv", index=False)
    said = call("labels", "import", str(tmp_path / "labels.csv"), "--home", home, "--json")
    assert said.document["tables"]["labels"]["accepted"] == 1


def test_vectors_are_written_for_all_accounts_and_for_a_spine(
    call: Call, places: dict[str, str], tmp_path: Path
) -> None:
    out = str(tmp_path / "deep" / "vectors.parquet")
    said = call("features", "build", "--as-of", AS_OF, "--out", out, "--home", places["home"], "--json")
    vectors = pd.read_parquet(out)
    assert said.document["rows"] == len(vectors)
    assert said.document["features"] == len(vectors.columns) - 2
    spine = pd.DataFrame({"account_id": [ACCOUNT], "as_of": [AS_OF], "event_id": ["e1"]})
    spine.to_parquet(tmp_path / "spine.parquet")
    asked = ("--spine", str(tmp_path / "spine.parquet"), "--out", out, "--home", places["home"])
    assert call("features", "build", *asked, "--json").document["rows"] == 1
    one = pd.read_parquet(out)
    assert one["event_id"].tolist() == ["e1"]
    everybody = vectors[vectors["account_id"] == ACCOUNT].reset_index(drop=True)
    pd.testing.assert_frame_equal(one.drop(columns="event_id"), everybody)


@pytest.mark.parametrize(
    ("moments", "told"),
    [
        ([AS_OF, AS_OF], ""),
        ([AS_OF, "2020-01-01"], "1 of 2 vectors are of moments outside the activity"),
        (["2030-01-01", "2020-01-01"], "2 of 2 vectors are of moments outside the activity"),
    ],
)
def test_vectors_outside_the_activity_are_warned_of_on_stderr(
    call: Call, places: dict[str, str], tmp_path: Path, moments: list[str], told: str
) -> None:
    pd.DataFrame({"account_id": ACCOUNT, "as_of": moments}).to_csv(tmp_path / "spine.csv", index=False)
    asked = ("--spine", str(tmp_path / "spine.csv"), "--out", str(tmp_path / "v.parquet"), "--home", places["home"])
    said = call("features", "build", *asked, "--json")
    assert (said.code, said.document["rows"]) == (0, 2)
    assert ("mscore: warning: " in said.err) == bool(told)
    assert told in said.err


def test_the_catalogue_is_described(call: Call) -> None:
    described = call("features", "describe", "--json").document
    assert len(described["features"]) >= 45
    assert {"name", "family", "unit", "window", "clause", "says"} <= described["features"][0].keys()
    assert call("features", "describe").code == 0


def test_evidence_shows_the_rows_behind_a_value(call: Call, places: dict[str, str]) -> None:
    asked = ("evidence", "sessions_n_7d", ACCOUNT, "--as-of", AS_OF, "--home", places["home"])
    found = call(*asked, "--json").document
    assert found["value"] == found["total"] == len(found["rows"])
    assert call(*asked).code == 0


def test_a_value_that_is_not_known_is_null(call: Call, exchange: Features, places: dict[str, str]) -> None:
    vectors = exchange.vectors(exchange.accounts(AS_OF), [CATALOGUE["trades_surge_7d"]]).set_index("account_id")
    without_past = vectors.index[vectors["trades_surge_7d"].isna()][0]
    asked = ("evidence", "trades_surge_7d", without_past, "--as-of", AS_OF, "--home", places["home"])
    assert call(*asked, "--json").document["value"] is None
    assert "unknown: its own usual week" in call(*asked).out
