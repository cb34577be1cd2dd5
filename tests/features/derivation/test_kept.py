"""Kept states: an older one stays while a process reads it, and what nobody reads makes room for newer ones."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.activity.importing import Import
from features.activity.snapshot import Activity
from features.derivation.kept import MAX_STATES, keep_state, read_state, written_names
from features.engines.duckdb import DuckDBEngine
from features.home import Home
from features.kernel.claims import CLAIM_FILE, Claim
from features.kernel.progress import silent
from features.pipeline import Features

DAY = datetime(2025, 5, 1, tzinfo=UTC)
READ = """
import sys
from pathlib import Path
from features.activity.snapshot import Activity
from features.derivation.kept import read_state
from features.engines.duckdb import DuckDBEngine
engine = DuckDBEngine(Activity.from_frames({}))
claim = read_state(engine, Path(sys.argv[1]))
print("claimed" if claim else "nothing", flush=True)
sys.stdin.readline()
print(engine.run("SELECT count(*) AS accounts FROM account_numbers").to_pylist(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def derived() -> Features:
    """Facts and episodes of two accounts."""
    rows = pd.DataFrame(
        {"account_id": ["A", "B"], "created_at": DAY, "kind": "retail", "country": "DE", "market_maker": False}
    )
    return Features(Activity.from_frames({"accounts": rows}))


def kept(derived: Features, root: Path, number: int) -> Path:
    """A state written so many days after the first of them."""
    folder = root / f"lake{number}" / "code"
    keep_state(derived.engine, folder)
    os.utime(folder, (number * 86400, number * 86400))
    return folder


def names(root: Path) -> list[str]:
    """The lake states of which something is kept."""
    return sorted(path.parent.name for path in root.glob("*/*"))


def test_the_newest_states_are_kept(derived: Features, tmp_path: Path) -> None:
    for number in range(MAX_STATES + 2):
        kept(derived, tmp_path, number)
    keep_state(derived.engine, tmp_path / "newest" / "code")
    assert names(tmp_path) == [*(f"lake{number}" for number in range(3, MAX_STATES + 2)), "newest"]


def test_a_state_that_a_process_reads_stays_until_the_process_is_killed(derived: Features, tmp_path: Path) -> None:
    old = kept(derived, tmp_path, 0)
    command = [sys.executable, "-c", READ, str(old)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin
        assert reader.stdout
        try:
            assert reader.stdout.readline() == "claimed\n"
            assert old.stat().st_mtime > 0, "what is read counts as new"
            os.utime(old, (0, 0))
            for number in range(1, MAX_STATES + 2):
                kept(derived, tmp_path, number)
            print(file=reader.stdin, flush=True)
            assert reader.stdout.readline() == "[{'accounts': 2}]\n"
        finally:
            reader.send_signal(signal.SIGKILL)
    assert old.is_dir()
    kept(derived, tmp_path, MAX_STATES + 2)
    assert not old.exists()


def test_an_older_reader_goes_on_after_newer_imports(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")

    def imported(number: int) -> Features:
        folder = tmp_path / str(number)
        folder.mkdir()
        rows = {"account_id": [f"A{number}"], "created_at": DAY, "kind": "retail", "country": "DE"}
        pd.DataFrame({**rows, "market_maker": False}).to_parquet(folder / "accounts.parquet")
        Import(home.lake, home.quarantine, DAY + timedelta(days=number), silent).folder(folder)
        features = Features(home.lake)
        for state in (home.lake.root / "derived").glob("*/*"):
            os.utime(state, (number, number))
        return features

    imported(0)
    old = Features(home.lake)
    for number in range(1, MAX_STATES + 1):
        imported(number)
    assert list(old.accounts("2025-06-01")["account_id"]) == ["A0"]


def test_a_missing_state_is_not_read(tmp_path: Path) -> None:
    assert read_state(DuckDBEngine(Activity.from_frames({})), tmp_path / "lake" / "code") is None


@pytest.mark.parametrize("name", ["account_numbers", "episodes", "ceilings"])
@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b""), lambda file: os.truncate(file, 9)])
def test_a_damaged_state_is_not_read_and_kept_anew(
    derived: Features, tmp_path: Path, name: str, damage: Callable[[Path], object]
) -> None:
    folder = kept(derived, tmp_path, 0)
    damage(folder / f"{name}.parquet")
    assert read_state(DuckDBEngine(Activity.from_frames({})), folder) is None
    kept(derived, tmp_path, 0)
    engine = DuckDBEngine(Activity.from_frames({}))
    claim = read_state(engine, folder)
    assert claim is not None
    assert all(engine.columns(written) for written in written_names())
    claim.release()


def test_a_damaged_state_stays_while_a_process_claims_it(derived: Features, tmp_path: Path) -> None:
    folder = kept(derived, tmp_path, 0)
    claim = Claim(folder)
    (folder / "episodes.parquet").write_bytes(b"")
    assert read_state(DuckDBEngine(Activity.from_frames({})), folder) is None
    assert folder.is_dir()
    claim.release()


def test_what_a_killed_writer_left_makes_room_at_once(derived: Features, tmp_path: Path) -> None:
    partial = tmp_path / "lake0" / "code.half"
    partial.mkdir(parents=True)
    (partial / CLAIM_FILE).touch()
    os.utime(partial, (0, 0))
    os.utime(partial.parent, (0, 0))
    kept(derived, tmp_path, 1)
    assert names(tmp_path) == ["lake1"]


def test_a_state_that_another_process_kept_meanwhile_stays_as_it_is(derived: Features, tmp_path: Path) -> None:
    folder = kept(derived, tmp_path, 0)
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    keep_state(derived.engine, folder)
    assert {path.name: path.stat().st_ino for path in folder.iterdir()} == before
    assert list(folder.parent.iterdir()) == [folder]
