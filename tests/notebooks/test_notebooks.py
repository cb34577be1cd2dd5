"""The notebooks give what is stored in them, and hold no logic of their own."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

import features
import models
from tests.notebooks.executing import NOTEBOOKS, code_cells, differences, execute, pictures, read, settled, texts

MAX_PICTURE_BYTES = 100_000
MAX_NOTEBOOK_BYTES = 400_000
OF_A_MACHINE = re.compile(r"(?<![\w.:/<])/(?:tmp|var|home|root|private|Users|usr|opt)/")

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_the_three_notebooks_are_there() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03"]


@each
def test_a_notebook_gives_what_is_stored_in_it(path: Path, tmp_path: Path) -> None:
    stored, present = read(path), execute(path, tmp_path)
    said = "\n\n".join(differences(stored, present))
    assert not said, f"{path.name} gives something else; `make notebooks` stores it if that is meant.\n{said}"
    assert not list(tmp_path.glob("mscore-notebook-*")), "the temporary home is gone at the end"


@each
def test_what_is_stored_is_of_no_machine_and_of_no_run(path: Path) -> None:
    stored = read(path)
    assert stored.metadata["kernelspec"]["name"] == "python3"
    assert stored.metadata["language_info"] == {"name": "python"}
    cells = code_cells(stored)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [cell.id for cell in cells if cell.metadata]
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    for text in texts(stored):
        assert not OF_A_MACHINE.search(text)
        assert settled(text) == text


@each
def test_a_notebook_has_small_pictures_and_is_small(path: Path) -> None:
    drawn = pictures(read(path))
    assert drawn
    assert max(len(picture.encode()) for picture in drawn) < MAX_PICTURE_BYTES
    assert path.stat().st_size < MAX_NOTEBOOK_BYTES


@each
def test_a_notebook_imports_from_one_door(path: Path) -> None:
    for node in (node for cell in code_cells(read(path)) for node in ast.walk(ast.parse(cell.source))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ("features", "models"):
            offered = features.WHERE if node.module.startswith("features") else models.WHERE
            assert "." not in node.module
            assert {alias.name for alias in node.names} <= offered.keys()


@each
def test_a_notebook_defines_no_function_or_class(path: Path) -> None:
    logic = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    for cell in code_cells(read(path)):
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, logic)]


@each
def test_a_notebook_tells_a_story_in_small_cells(path: Path) -> None:
    cells = read(path).cells
    told = [cell for cell in cells if cell.cell_type == "markdown"]
    assert len(told) * 3 >= len(cells)
    assert re.search(r"\*\*The question\.\*\*", told[0].source)
    for cell in code_cells(read(path)):
        tree = ast.parse(cell.source)
        imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        of_imports = {line for node in imported for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
        assert len(cell.source.splitlines()) - len(of_imports) <= 30


@pytest.mark.parametrize(
    ("stored", "given"),
    [
        ("auc 0.71428571", "auc  0.71428572"),
        ("in /tmp/mscore-notebook-a1b2/home", "in /elsewhere/mscore-notebook-zz_9/home"),
        ("run 0123456789abcdef0123456789abcdef", "run fedcba9876543210fedcba9876543210"),
        ("made 2026-11-30T10:00:00Z", "made 2027-01-02T11:30:00.5Z"),
        ("<Frame at 0x7f52d1e0a3c0>", "<Frame at 0x7f0000000000>"),
    ],
)
def test_what_may_differ_between_two_runs_is_no_difference(stored: str, given: str) -> None:
    assert not list(differences(printing(stored), printing(given)))


@pytest.mark.parametrize(
    ("stored", "given"),
    [
        ("auc 0.714285", "auc 0.714295"),
        ("1748574378112000 us", "1748574378112001 us"),
        ("12 accounts", "13 accounts"),
        ("as of 2025-06-06", "as of 2025-06-07"),
        ("clause 8", "clause 8.1"),
        ("allow", "review"),
    ],
)
def test_another_output_is_named_with_its_cell_and_both_texts(stored: str, given: str) -> None:
    (said,) = differences(printing(stored), printing(given))
    assert said.startswith("cell 1 (told)")
    assert stored in said
    assert given in said


def test_a_picture_may_look_different_but_not_be_gone() -> None:
    one, other = (drawing({"image/svg+xml": f"<svg id='{name}'/>"}) for name in "ab")
    assert not list(differences(one, other))
    (said,) = differences(one, drawing({}))
    assert "the output 1 image/svg+xml" in said


def printing(text: str) -> Any:
    """A notebook of one cell that printed the text."""
    return _notebook(new_output("stream", name="stdout", text=text))  # type: ignore[no-untyped-call]


def drawing(data: dict[str, str]) -> Any:
    """A notebook of one cell that gave this data."""
    return _notebook(new_output("display_data", data=data))  # type: ignore[no-untyped-call]


def _notebook(output: Any) -> Any:
    cell = new_code_cell("", outputs=[output], id="told")  # type: ignore[no-untyped-call]
    return new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
