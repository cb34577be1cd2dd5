"""What `make clean` would remove: caches, and nothing that a home holds."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STATE = ("var", "lake", "mscore.db", "mlflow.db", "quarantine", "artifacts", ".venv", "$")


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_cleaning_removes_caches_only() -> None:
    said = subprocess.run(["make", "-n", "clean"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    words = said.split()
    removed = {word for line in said.splitlines() if line.startswith("rm ") for word in line.split()[2:]}
    assert removed == {".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache"}
    assert [word for word in words if word.strip("./").startswith(STATE)] == []
    assert "-name __pycache__" in said
