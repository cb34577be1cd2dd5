"""The catalogue and the measures of patterns as plain data, kept in the home, so that listing them loads neither."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from features.kernel.cache import keep, name_of_code

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
