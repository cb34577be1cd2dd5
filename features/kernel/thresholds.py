"""Reads the numbers that define facts and episodes: YAML beside the code, each with its unit and source, dated."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from features.kernel.errors import Invalid

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Threshold:
    """One number (or list of numbers) with its unit and where it comes from."""

    name: str
    value: Any
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The numbers of one file, the clauses they serve and since when they hold."""

    clauses: tuple[str, ...]
    effective_from: date
    numbers: tuple[Threshold, ...]

    @property
    def values(self) -> Settings:
        """The bare values by name."""
        return {number.name: number.value for number in self.numbers}


@cache
def read_thresholds(path: Path) -> Thresholds:
    """The numbers of one file.

    Raises:
        Invalid: the file lacks its date, its clauses, or the unit or source of a number.
    """
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        numbers = tuple(
            Threshold(name, entry["value"], str(entry["unit"]), str(entry["source"]))
            for name, entry in document["settings"].items()
        )
        return Thresholds(tuple(document["clauses"]), document["effective_from"], numbers)
    except (KeyError, TypeError) as error:
        raise Invalid(
            f"{path.name} is no file of thresholds: it wants clauses, effective_from and, for each setting, "
            f"value, unit and source ({error})."
        ) from error
