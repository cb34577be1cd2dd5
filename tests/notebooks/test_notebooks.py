"""The notebooks run from top to bottom, are committed without outputs, and hold no logic of their own."""

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SECONDS_A_CELL = 300

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    return notebook


def code_of(path: Path) -> list[Any]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_the_three_notebooks_are_there() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03"]


@each
def test_a_notebook_runs_from_top_to_bottom(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = read(path)
    NotebookClient(
        notebook, timeout=SECONDS_A_CELL, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    printed = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output.text for output in printed if output.output_type == "stream" and output.name == "stderr"]
    assert any("image/svg+xml" in output.get("data", {}) for output in printed)
    assert not list(tmp_path.glob("mscore-notebook-*")), "the temporary home is gone at the end"


@each
def test_a_notebook_is_committed_without_outputs(path: Path) -> None:
    for cell in code_of(path):
        assert cell.outputs == []
        assert cell.execution_count is None


@each
def test_a_notebook_defines_no_function_or_class(path: Path) -> None:
    logic = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    for cell in code_of(path):
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, logic)]


@each
def test_a_notebook_tells_a_story_in_small_cells(path: Path) -> None:
    cells = read(path).cells
    told = [cell for cell in cells if cell.cell_type == "markdown"]
    assert len(told) * 3 >= len(cells)
    assert re.search(r"\*\*The question\.\*\*", told[0].source)
    for cell in code_of(path):
        lines = [line for line in cell.source.splitlines() if not line.startswith(("import ", "from "))]
        assert len(lines) <= 30
