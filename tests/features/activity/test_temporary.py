"""Temporary folders: they go with the import, and what a killed import left goes with the next one."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from features.activity.mapping import load_mapping
from features.activity.temporary import TEMPORARY
from tests.features.activity.exports import Desk, accounts, transfers

KILLED = """
import os, sys
from pathlib import Path
import duckdb
from features.activity.files import open_file
from features.activity.mapping import load_mapping
from features.activity.mapping.running import made_rows
engine = duckdb.connect()
open_file(engine, Path(sys.argv[1]) / "notes.csv")
with made_rows(load_mapping(sys.argv[2]), Path(sys.argv[1]), "1GB"):
    os.kill(os.getpid(), 9)
"""
MAPPING = """
name: notes
sources: {notes: notes.csv}
tables:
  transfers: >-
    SELECT id AS transfer_id, who AS account_id, at AS ts, 'deposit' AS direction, 'USD' AS asset, usd AS amount,
    usd AS amount_usd, 'bank' AS counterparty_type FROM notes
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return place


@pytest.fixture
def mapping(desk: Desk) -> Path:
    """A mapping that reads `notes.csv`."""
    path = desk.place / "notes.yaml"
    path.write_text(MAPPING)
    return path


def export(desk: Desk) -> Path:
    """A folder with a file that has a broken line."""
    folder = desk.folder({"accounts": accounts("a")})
    (folder / "notes.csv").write_text("id,who,at,usd\nn1,a,2025-05-01T00:00:00Z,5\noops\n")
    return folder


def test_an_import_leaves_no_folder(desk: Desk, mapping: Path, place: Path) -> None:
    folder = export(desk)
    desk.take(accounts=accounts("a"))
    done = desk.importing().mapped(folder, load_mapping(str(mapping)))
    assert (done.tables["transfers"].accepted, done.tables["transfers"].quarantined) == (1, 1)
    assert list(place.glob(f"{TEMPORARY}*")) == []


def test_any_import_removes_what_a_killed_one_left(desk: Desk, mapping: Path, place: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(export(desk)), str(mapping)]
    assert subprocess.run(command, check=False).returncode == -9
    left = list(place.glob(f"{TEMPORARY}*"))
    assert len(left) == 3
    for folder in left:
        os.utime(folder, (0, 0))
    desk.take(accounts=accounts("a"), transfers=transfers())
    assert list(place.glob(f"{TEMPORARY}*")) == []
