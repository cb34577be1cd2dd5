"""The engine keeps to the memory it is given, and says so where that makes no sense."""

import pytest

from features.activity.snapshot import Activity
from features.engines import MEMORY_VARIABLE, DuckDBEngine
from features.errors import Invalid


def test_memory_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MEMORY_VARIABLE, "512MiB")
    limit = "SELECT current_setting('memory_limit')"
    assert DuckDBEngine(Activity.from_frames({})).connection.execute(limit).fetchall() == [("512.0 MiB",)]


def test_nonsense_is_refused_with_what_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MEMORY_VARIABLE, "plenty")
    with pytest.raises(Invalid, match="MSCORE_DUCKDB_MEMORY is 'plenty'; write it like 3GB"):
        DuckDBEngine(Activity.from_frames({}))
