"""Executes the notebooks and stores what their cells give (`make notebooks`)."""

import sys
import tempfile
from pathlib import Path

import nbformat

from tests.notebooks.executing import FOLDER, execute


def main(names: list[str]) -> int:
    """Records the notebooks whose file names begin with one of the names, all of them by default."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        if names and not path.name.startswith(tuple(names)):
            continue
        with tempfile.TemporaryDirectory() as folder:
            notebook = execute(path, Path(folder))
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
        print(f"{path.name}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
