"""Files that are kept because they take long to make: named by the code that made them, replaced by newer ones."""

import hashlib
import os
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

FEATURES = Path(__file__).parents[1]


def name_of_code() -> str:
    """A short hash of everything that decides what the catalogue compiles to."""
    decided = hashlib.sha256("".join(version(name) for name in ("ibis-framework", "sqlglot")).encode())
    for path in sorted(FEATURES.rglob("*")):
        if path.suffix in {".py", ".yaml"} and "simulator" not in path.parts:
            decided.update(path.read_bytes())
    return decided.hexdigest()[:16]


def keep(file: Path, text: str) -> None:
    """Writes a file of a home's cache whole, in place of its older versions; without a home, nothing is kept."""
    stem = file.name.partition("-")[0]
    try:
        file.parent.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f"{stem}-")
    except OSError:
        return
    partial = Path(name)
    with suppress(OSError):
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as written:
                written.write(text)
            for older in file.parent.glob(f"{stem}-*"):
                if older != partial:
                    older.unlink(missing_ok=True)
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
