"""Reads the numbers that define facts and episodes: YAML beside the code, each with its unit and source, dated."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from features.kernel.documents import Scalar, Text, Written, read_document

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


def is_value(value: Any) -> Any:
    """The value, if a setting may have it.

    Raises:
        ValueError: it is something else.
    """
    several = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else [value]
    if not several or not all(isinstance(item, int | float | str) for item in several):
        raise ValueError("a number, a text or a boolean, or a list or mapping of them")
    return value


class Setting(Written):
    """One number (or word, or list, or several by name) with its unit and where it comes from."""

    value: Annotated[Scalar | list[Scalar] | dict[str, Scalar], BeforeValidator(is_value)]
    unit: Text
    source: Text


class ThresholdsDocument(Written):
    """A file of the numbers that define facts and episodes."""

    card: Text | None = None
    """The detector card that the numbers belong to."""
    clauses: list[Text]
    """The clauses that the numbers serve."""
    effective_from: date
    """Since when the numbers hold."""
    settings: dict[Text, Setting]
    """The numbers by name."""


@cache
def read_thresholds(path: Path) -> Thresholds:
    """The numbers of one file.

    Raises:
        Invalid: the file lacks its date, its clauses, or the unit or source of a number.
    """
    document = read_document(path, ThresholdsDocument)
    numbers = tuple(
        Threshold(name, setting.value, setting.unit, setting.source) for name, setting in document.settings.items()
    )
    return Thresholds(tuple(document.clauses), document.effective_from, numbers)
