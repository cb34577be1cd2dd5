"""The notebooks run from top to bottom, give what is stored with them, and hold no logic of their own."""

import ast
import re
from pathlib import Path
from tempfile import gettempdir

import pytest

from tests.notebooks.executing import NOTEBOOKS, code_cells, differences, execute, pictures, read, texts

MAX_PICTURE_BYTES = 100_000
MAX_NOTEBOOK_BYTES = 400_000

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_the_three_notebooks_are_there() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03"]


@each
def test_a_notebook_gives_what_is_stored(path: Path, tmp_path: Path) -> None:
    present = execute(path, tmp_path)
    assert not list(differences(read(path), present)), "run `make notebooks` if the change is meant"
    assert not list(tmp_path.glob("mscore-notebook-*")), "the temporary home is gone at the end"


@each
def test_a_notebook_shows_pictures_and_no_trouble(path: Path) -> None:
    notebook = read(path)
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert pictures(notebook)
    assert max(len(str(picture)) for picture in pictures(notebook)) <= MAX_PICTURE_BYTES
    assert path.stat().st_size <= MAX_NOTEBOOK_BYTES
    assert not [text for text in texts(notebook) if gettempdir() in text or str(Path.home()) in text]


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
        lines = [line for line in cell.source.splitlines() if not line.startswith(("import ", "from "))]
        assert len(lines) <= 30
