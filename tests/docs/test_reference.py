"""The reference page is what the code says today."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_reference_is_current() -> None:
    written = (DOCS / "reference.md").read_text(encoding="utf-8")
    generated = runpy.run_path(str(DOCS / "generate.py"))["reference"]()
    assert written == generated, "run `make docs`"
