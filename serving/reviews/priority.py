"""How much harm a minute of review may prevent, an order of the queue (docs/methods.md#typology-classifiers).

Priority = probability x harm x accounts / minutes, as it was judged when the case was opened. What is covered already
is not asked again: a suspicion that stands open opens no second case.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from features.kernel.documents import Text, Written, read_document

FILE = Path(__file__).with_suffix(".yaml")
UNKNOWN = "unknown_anomaly"
BY_TYPOLOGY = ("harm", "minutes", "confirmed")


class ByTypology(Written):
    """A number above 0 for each typology, with their unit and where they come from."""

    value: dict[str, Annotated[float, Field(gt=0)]]
    unit: Text
    source: Text


class ShareByTypology(ByTypology):
    """A share above 0 for each typology."""

    value: dict[str, Annotated[float, Field(gt=0, le=1)]]


class Minutes(Written):
    """A number of minutes with its unit and where it comes from."""

    value: Annotated[float, Field(ge=0)]
    unit: Text
    source: Text


class PriorityNumbers(Written):
    """What the priority of a case is made of."""

    harm: ByTypology
    """Points of harm for an account."""
    minutes: ByTypology
    """Minutes of a reviewer for the first account."""
    minutes_more: Minutes
    """Minutes of a reviewer for each further account of a group."""
    confirmed: ShareByTypology
    """The share of the cases that rules open which is confirmed."""

    @model_validator(mode="after")
    def each_typology_has_its_numbers(self) -> Self:
        """Refuses a typology that has one number and lacks another.

        Raises:
            ValueError: the sentence names the number and the typology.
        """
        tables = {name: getattr(self, name).value for name in BY_TYPOLOGY}
        kinds = {UNKNOWN}.union(*tables.values())
        lacking = [(name, kind) for name, table in tables.items() for kind in sorted(kinds - table.keys())]
        if lacking:
            raise ValueError("complete: `{}` lacks `{}`".format(*lacking[0]))
        return self


class PriorityDocument(Written):
    """The file of the numbers that the queue is ordered by."""

    clauses: list[Text]
    """The clauses that the numbers serve."""
    effective_from: date
    """Since when the numbers hold."""
    settings: PriorityNumbers
    """The numbers by name."""


def priority_of(typology: str, accounts: int, scores: Mapping[str, Any]) -> float:
    """Points of harm that a minute of review may prevent.

    The probability is the model's for this typology (of a group, that of its most suspect account), or the share of
    such cases that used to be confirmed, whichever is higher. A case of no known kind, such as a random sample, may be
    any kind a model sees in it: the one with the most harm a minute counts.

    Args:
        typology: what the case is about.
        accounts: of how many accounts.
        scores: the scores of the case (docs/activity-schema.md#review).

    Raises:
        Invalid: the numbers in `priority.yaml` make no sense.

    >>> priority_of("wash_trading", 1, {"violation_probability": {"wash_trading": 0.8}})  # .8 x 3 / 8
    0.3
    """
    numbers = priority_numbers(FILE)
    predicted: Mapping[str, float] = scores.get("violation_probability") or {}
    kind = typology if typology in numbers["harm"] else UNKNOWN
    worth = _harm_a_minute(numbers, kind, max(numbers["confirmed"][kind], predicted.get(typology) or 0.0), accounts)
    if kind != UNKNOWN:
        return worth
    kinds = [(other, p) for other, p in predicted.items() if other in numbers["harm"]]
    return max([worth, *(_harm_a_minute(numbers, other, p, accounts) for other, p in kinds)])


def _harm_a_minute(numbers: Mapping[str, Any], kind: str, probability: float, accounts: int) -> float:
    minutes = numbers["minutes"][kind] + numbers["minutes_more"] * (accounts - 1)
    return float(round(probability * numbers["harm"][kind] * accounts / minutes, 6))


@cache
def priority_numbers(path: Path) -> Mapping[str, Any]:
    """Harm, minutes and the share confirmed by typology, and the minutes for each further account of a group.

    Raises:
        Invalid: a number is missing, or is none, or cannot be; the message says which.
    """
    settings = read_document(path, PriorityDocument).settings
    return {name: setting["value"] for name, setting in settings.model_dump().items()}
