"""Executes notebooks, and compares what their cells give with what is stored."""

import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MAX_SECONDS_PER_CELL = 600
MAX_SHOWN = 2_000
SIGNIFICANT = 1e-6
"""Numbers that agree to six significant digits are the same."""

PICTURES = ("image/svg+xml", "image/png")
VARYING = {
    re.compile(r"(?:/[\w.~-]+)*/?mscore-notebook-\w+"): "TEMPORARY",
    re.compile(r"\bat 0x[0-9a-f]{6,}"): "at ADDRESS",
    re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b"): "RANDOM-ID",
    # The exchanges lie in 2025: what is dated later is dated by the clock.
    re.compile(r"\b20(?:2[6-9]|[3-9]\d)-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?)?"): "NOW",
}
"""What differs between two runs of the same code, and what is stored in its place."""

STYLE = re.compile(r"<style scoped>.*?</style>\s*", re.DOTALL)
INDENTATION = re.compile(r"\n\s+")
GEOMETRY = re.compile(r'\b(?:d|transform|x2|y2|width|height)="[^"]*"')
LONG_DECIMAL = re.compile(r"\d+\.\d{2,}")
DECIMAL = re.compile(r"(?<![\w.])([-+]?\d+\.\d+(?:e[-+]?\d+)?)")


def read(path: Path) -> Any:
    """The notebook as it is stored."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    return notebook


def execute(path: Path, folder: Path) -> Any:
    """The notebook with the outputs of a run, as they are stored; whatever the run writes lies in the folder."""
    notebook = read(path)
    language = dict(notebook.metadata["language_info"])
    client = NotebookClient(
        notebook,
        timeout=MAX_SECONDS_PER_CELL,
        kernel_name="python3",
        coalesce_streams=True,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("IPYTHONDIR", str(folder / "ipython"))
        environment.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
        environment.setenv("TMPDIR", str(folder))
        environment.setenv("PYTHONPATH", str(FOLDER.parent), prepend=os.pathsep)
        client.execute()
    notebook.metadata["language_info"] = language
    for number, cell in enumerate(code_cells(notebook), 1):
        cell.execution_count = number
        cell.outputs = [_settled_output(output, number) for output in cell.outputs]
    return notebook


def code_cells(notebook: Any) -> list[Any]:
    """The cells that hold code, in their order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def settled(text: str) -> str:
    """The text with a word in place of each part that varies.

    >>> settled("<Frame at 0x7f52d1e0a3c0> of file:///tmp/mscore-notebook-x1y2/home")
    '<Frame at ADDRESS> of file://TEMPORARY/home'
    """
    for varying, word in VARYING.items():
        text = varying.sub(word, text)
    return text


def differences(stored: Any, present: Any) -> Iterator[str]:
    """Every cell that gives something else than what is stored: its number and name, and both."""
    for number, (before, now) in enumerate(zip(stored.cells, present.cells, strict=True), 1):
        was, given = (_comparable(cell) for cell in (before, now))
        for place in sorted(was.keys() | given.keys()):
            one, other = was.get(place, "nothing"), given.get(place, "nothing")
            if not same_text(one, other):
                yield (
                    f"cell {number} ({before.id}) is stored with the {' '.join(place)}\n{_shown(one, other)}\n"
                    f"and gives\n{_shown(other, one)}"
                )


def texts(notebook: Any) -> Iterator[str]:
    """Every text that the outputs hold, pictures in SVG among them."""
    for cell in code_cells(notebook):
        for output in cell.outputs:
            yield output.get("text", "")
            yield from (value for value in output.get("data", {}).values() if isinstance(value, str))


def pictures(notebook: Any) -> list[str]:
    """Every picture that the outputs hold."""
    return [
        output.data[kind]
        for cell in code_cells(notebook)
        for output in cell.outputs
        for kind in PICTURES
        if kind in output.get("data", {})
    ]


def _settled_output(output: Any, number: int) -> Any:
    if "text" in output:
        output.text = settled(output.text)
    if "execution_count" in output:
        output.execution_count = number
    if "data" in output:
        output.metadata = {}
        output.data = {kind: _settled_data(kind, value) for kind, value in output.data.items()}
    return output


def _settled_data(kind: str, value: Any) -> Any:
    if kind == "text/html":
        value = INDENTATION.sub("\n", STYLE.sub("", value))
    if kind == "image/svg+xml":
        value = GEOMETRY.sub(lambda part: LONG_DECIMAL.sub(_tenths, part[0]), value)
    return settled(value) if kind.startswith("text/") else value


def _tenths(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}"


def _comparable(cell: Any) -> Mapping[tuple[str, str], str]:
    """What is compared of a cell's outputs, by place and kind: texts, and of a picture only that it is there."""
    compared = {}
    for place, output in enumerate(cell.get("outputs", ()), 1):
        if output.output_type == "stream":
            compared[f"output {place}", str(output.name)] = settled(output.text)
        for kind, value in output.get("data", {}).items():
            is_text = kind.startswith("text/")
            compared[f"output {place}", kind] = settled(value) if is_text else "a picture"
    return compared


def same_text(one: str, other: str) -> bool:
    """Whether two texts agree, apart from spaces and from what lies behind the sixth digit of a number.

    >>> same_text("auc  0.71428571", "auc 0.71428572"), same_text("auc 0.714285", "auc 0.714295")
    (True, False)
    """
    parts, others = (DECIMAL.split(" ".join(text.split())) for text in (one, other))
    return (
        len(parts) == len(others)
        and parts[::2] == others[::2]
        and all(
            math.isclose(float(number), float(beside), rel_tol=SIGNIFICANT)
            for number, beside in zip(parts[1::2], others[1::2], strict=True)
        )
    )


def _shown(text: str, other: str) -> str:
    """The text, or of a long one what surrounds the first character that differs."""
    pairs = enumerate(zip(text, other, strict=False))
    place = next((place for place, (one, beside) in pairs if one != beside), min(len(text), len(other)))
    return text[max(0, place - MAX_SHOWN // 2) : place + MAX_SHOWN // 2]
