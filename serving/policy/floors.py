"""What a decision is at least while something is not known, and from when a vector is too old to be known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field

from features.kernel.documents import OneOf, Written, read_yaml, validated
from serving.policy.terms import Outcome

FILE = Path(__file__).with_suffix(".yaml")
OTHER = "other"
OutcomeWord = Annotated[str, OneOf(tuple(outcome.word for outcome in Outcome))]
Hours = Annotated[float, Field(gt=0)]
Given = TypeVar("Given")


class Unknown(StrEnum):
    """What may be unknown about an account or its request."""

    VECTOR = "vector"
    RECORD = "record"
    SCORES = "scores"
    REQUEST = "request"


def with_other(table: dict[str, Given]) -> dict[str, Given]:
    """The table, if it covers every action type.

    Raises:
        ValueError: nothing stands under `other`.
    """
    if OTHER not in table:
        raise ValueError(f"`{OTHER}` is missing: an action that is not named must have a floor")
    return table


class ByUnknown(Written):
    """The least outcome by action type."""

    vector: Annotated[dict[str, OutcomeWord], AfterValidator(with_other)]
    record: Annotated[dict[str, OutcomeWord], AfterValidator(with_other)]
    scores: Annotated[dict[str, OutcomeWord], AfterValidator(with_other)]
    request: Annotated[dict[str, OutcomeWord], AfterValidator(with_other)]


class FloorsDocument(Written):
    """The file of floors."""

    min_outcome: ByUnknown
    """By what is unknown and action type, the least outcome."""
    max_vector_hours: Annotated[dict[str, Hours], AfterValidator(with_other)]
    """By action type the greatest age of a vector, in hours by the clock of the service."""


@dataclass(frozen=True, slots=True)
class Floors:
    """The least outcome while something is unknown, by action type."""

    min_outcome: Mapping[Unknown, Mapping[str, Outcome]]
    max_vector_age: Mapping[str, timedelta]

    def minimum(self, unknown: Unknown, action_type: str) -> Outcome:
        """The least outcome of such an action while that is unknown."""
        return _of(self.min_outcome[unknown], action_type)

    def is_too_old(self, age: timedelta, action_type: str) -> bool:
        """Whether a vector of this age no longer counts as known for such an action."""
        return age > _of(self.max_vector_age, action_type)


def load_floors(file: Path = FILE) -> Floors:
    """The floors in a file.

    Raises:
        Invalid: the file is wrong; the sentence says where.
    """
    document = validated(read_yaml(file), FloorsDocument)
    words = {Unknown(name): table for name, table in document.min_outcome}
    return Floors(
        {unknown: {action: Outcome.of(word) for action, word in table.items()} for unknown, table in words.items()},
        {action: timedelta(hours=hours) for action, hours in document.max_vector_hours.items()},
    )


def _of(table: Mapping[str, Given], action_type: str) -> Given:
    return table.get(action_type, table[OTHER])
