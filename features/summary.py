"""The catalogue and the measures of patterns as plain data, kept in the home, so that listing them loads neither."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

FEATURES = Path(__file__).parent
SUMMARISING = "features.summarising"
KINDS: Mapping[str, type] = {kind.__name__: kind for kind in (bool, float, int, str)}


@dataclass(frozen=True, slots=True)
class CatalogueSummary:
    """The catalogue as plain data, and what the episodes of each pattern measure, by the name of its type."""

    fingerprint: str
    features: list[dict[str, Any]]
    measures: dict[str, dict[str, str]]

    @property
    def names(self) -> list[str]:
        """The names of all features."""
        return [feature["name"] for feature in self.features]

    def episode_measures(self) -> dict[str, Mapping[str, type]]:
        """The type of every measure, by pattern and measure."""
        return {
            pattern: {name: KINDS[kind] for name, kind in measures.items()}
            for pattern, measures in self.measures.items()
        }


def catalogue_summary(home: Path | None) -> CatalogueSummary:
    """The summary kept in the home, or a new one, which is kept where the home exists."""
    file = home / "cache" / f"catalogue-{name_of_code()}.json" if home else None
    try:
        if file:
            return CatalogueSummary(**json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):  # not kept yet, or damaged
        pass
    summary: CatalogueSummary = import_module(SUMMARISING).summarise()
    if file:
        keep(file, json.dumps(asdict(summary)))
    return summary


def name_of_code() -> str:
    """A short hash of everything that decides what the catalogue compiles to."""
    decided = hashlib.sha256("".join(version(name) for name in ("ibis-framework", "sqlglot")).encode())
    for path in sorted(FEATURES.rglob("*")):
        if path.suffix in {".py", ".yaml"} and "simulator" not in path.parts:
            decided.update(path.read_bytes())
    return decided.hexdigest()[:16]


def keep(file: Path, text: str) -> None:
    """Writes a file of a home's cache whole, in place of its older versions; without a home, nothing is kept."""
    try:
        file.parent.mkdir(exist_ok=True)
        descriptor, partial = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            written.write(text)
        for older in file.parent.glob(f"{file.name.partition('-')[0]}-*"):
            older.unlink(missing_ok=True)
        Path(partial).replace(file)
    except OSError:
        return
