"""Cache: a file is there whole or not at all, and nothing else stays beside it."""

from pathlib import Path

import pytest

from features.kernel.cache import keep


def names(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_file_replaces_its_older_versions_and_what_a_killed_process_left_of_one(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    keep(cache / "sql-1.json", "one")
    keep(cache / "summary-1.json", "other")
    (cache / "sql-partial").write_text("on")
    keep(cache / "sql-2.json", "two")
    assert names(cache) == ["sql-2.json", "summary-1.json"]
    assert (cache / "sql-2.json").read_text() == "two"


def test_a_file_that_cannot_be_written_leaves_nothing_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    keep(tmp_path / "cache" / "sql-1.json", "one")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        keep(tmp_path / "cache" / "sql-1.json", "two")
    assert names(tmp_path / "cache") == []
    with pytest.raises(UnicodeEncodeError):
        keep(tmp_path / "cache" / "sql-1.json", "\ud800")
    assert names(tmp_path / "cache") == []


def test_without_a_home_nothing_is_kept(tmp_path: Path) -> None:
    keep(tmp_path / "home" / "cache" / "sql-1.json", "one")
    assert names(tmp_path) == []
