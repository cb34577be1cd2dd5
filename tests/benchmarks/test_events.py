"""The generated events: an import takes every row, and equal arguments give equal rows."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from features.activity.importing import Import
from features.home import Home
from features.kernel.progress import silent
from tests.benchmarks.events import EVENTS, TABLES, write_events

ROWS, ACCOUNTS = 20_000, 500


def test_every_generated_row_keeps_the_contract_of_its_table(tmp_path: Path) -> None:
    write_events(tmp_path / "events", ROWS, ACCOUNTS)
    home = Home(tmp_path / "home")
    done = Import(home.lake, home.quarantine, datetime(2025, 6, 5, tzinfo=UTC), silent).folder(tmp_path / "events")
    for name in TABLES:
        report = done.tables[name]
        assert report.read == report.accepted > 0, (name, report.reasons)
    written = sum(done.tables[name].read for name in EVENTS)
    assert abs(written - ROWS) < ROWS / 10


def test_equal_arguments_give_equal_rows_and_another_seed_gives_others(tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("same", 7), ("other", 8)):
        write_events(tmp_path / name, ROWS, ACCOUNTS, seed)
    for table in TABLES:
        one, same, other = (pq.read_table(tmp_path / name / f"{table}.parquet") for name in ("one", "same", "other"))
        assert one.equals(same)
        assert not one.equals(other)
