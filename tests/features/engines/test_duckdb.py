"""The engine keeps to its memory and says where that makes no sense; accounts have numbers, facts an order."""

import os
import signal
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from features.activity.memory import MEMORY_VARIABLE
from features.activity.snapshot import Activity
from features.definitions import CATALOGUE
from features.engines.duckdb import DuckDBEngine
from features.kernel.errors import Invalid
from features.pipeline import Features
from tests.features.patterns.trading_floor import DAY, accounts, frame, sale


def test_memory_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MEMORY_VARIABLE, "512MiB")
    limit = "SELECT current_setting('memory_limit')"
    assert DuckDBEngine(Activity.from_frames({})).connection.execute(limit).fetchall() == [("512.0 MiB",)]


def test_nonsense_is_refused_with_what_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MEMORY_VARIABLE, "plenty")
    with pytest.raises(Invalid, match="MSCORE_DUCKDB_MEMORY is 'plenty'; write it like 3GB"):
        DuckDBEngine(Activity.from_frames({}))


KILLED = """
import os, signal
from features.activity.snapshot import Activity
from features.engines.duckdb import DuckDBEngine
engine = DuckDBEngine(Activity.from_frames({}))
engine.create("numbers", "SELECT * FROM range(1000)")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_engine_leaves_is_removed_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert subprocess.run([sys.executable, "-c", KILLED]).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    os.utime(left, (0, 0))
    engine = DuckDBEngine(Activity.from_frames({}))
    (mine,) = tmp_path.iterdir()
    assert mine != left
    del engine
    assert list(tmp_path.iterdir()) == []


def test_what_an_account_did_lies_together_oldest_first() -> None:
    later = [sale("B", "A", DAY + timedelta(hours=2)), sale("A", "C", DAY + timedelta(hours=1))]
    features = Features(Activity.from_frames({"accounts": accounts({"A", "B", "C"}), "trades": frame(later)}))
    rows = features.engine.run("SELECT account_id, account_no, row_id FROM fact_fills").to_pylist()
    assert [tuple(row.values()) for row in rows] == [("A", 1, "t1"), ("A", 1, "t0"), ("B", 2, "t0"), ("C", 3, "t1")]


def test_counterparties_that_no_account_row_knows_are_told_apart_but_cannot_be_asked_for() -> None:
    trades = [sale("A", other, DAY) for other in ("0-unknown", "X", "Y", "Y")]
    features = Features(Activity.from_frames({"accounts": accounts({"A", "Y"}), "trades": frame(trades)}))
    spine = features.accounts(DAY + timedelta(hours=1))
    values = features.vectors(spine, [CATALOGUE["counterparties_n_7d"]])["counterparties_n_7d"]
    assert dict(zip(spine["account_id"], values, strict=True)) == {"A": 3, "Y": 1}
    with pytest.raises(Invalid, match="knows no account 'X'"):
        features.vectors(spine.assign(account_id="X"), [CATALOGUE["counterparties_n_7d"]])
