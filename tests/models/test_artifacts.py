"""Tests of model files on disk."""

from pathlib import Path

import pytest

from features.kernel.errors import Invalid
from models import artifacts


def test_what_is_written_is_read(tmp_path: Path) -> None:
    artifacts.write(tmp_path, "toy", {"a": [0.1, None]}, {"x.txt": b"content"})
    assert artifacts.read(tmp_path, "toy") == ({"a": [0.1, None]}, {"x.txt": b"content"})


@pytest.mark.parametrize("file", ["x.txt", "state.json"])
def test_an_altered_file_is_refused(tmp_path: Path, file: str) -> None:
    artifacts.write(tmp_path, "toy", {}, {"x.txt": b"content"})
    (tmp_path / file).write_bytes(b"{ }")
    with pytest.raises(Invalid, match=f"{file} is not the one that was written"):
        artifacts.read(tmp_path, "toy")


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"kind": "toy", "files": 3}'])
def test_a_broken_manifest_is_refused(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(Invalid, match="no readable model"):
        artifacts.read(tmp_path, "toy")


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    artifacts.write(tmp_path, "toy", {}, {})
    with pytest.raises(Invalid, match="not 'other'"):
        artifacts.read(tmp_path, "other")
