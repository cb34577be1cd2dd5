"""How much harm a minute of a reviewer may prevent, which the queue can be ordered by (methods 6.4).

Priority = probability x harm x accounts / minutes, as it was judged when the case was opened. What is covered already
is not asked again: a suspicion that stands open opens no second case.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from features.kernel.errors import Invalid
from features.kernel.thresholds import read_thresholds

FILE = Path(__file__).with_suffix(".yaml")
UNKNOWN = "unknown_anomaly"
BY_TYPOLOGY = ("harm", "minutes", "confirmed")


def priority_of(typology: str, accounts: int, scores: Mapping[str, Any]) -> float:
    """Points of harm that a minute of review may prevent.

    The probability is the model's for this typology (of a group, that of its most suspect account), or the share of
    such cases that used to be confirmed, whichever is higher. A case of no known kind, drawn ones among them, may be
    any kind a model sees in it: the one with the most harm a minute counts.

    Args:
        typology: what the case is about.
        accounts: of how many accounts.
        scores: the scores of the case (activity schema, Review).

    Raises:
        Invalid: the numbers in `priority.yaml` make no sense.

    >>> priority_of("wash_trading", 1, {"violation_probability": {"wash_trading": 0.8}})  # .8 x 3 / 8
    0.3
    """
    numbers = priority_numbers(FILE)
    predicted: Mapping[str, float] = scores.get("violation_probability") or {}
    known = typology if typology in numbers["harm"] else UNKNOWN
    worth = _harm_a_minute(numbers, known, max(numbers["confirmed"][known], predicted.get(typology) or 0.0), accounts)
    if known != UNKNOWN:
        return worth
    kinds = [(kind, p) for kind, p in predicted.items() if kind in numbers["harm"]]
    return max([worth, *(_harm_a_minute(numbers, kind, p, accounts) for kind, p in kinds)])


def _harm_a_minute(numbers: Mapping[str, Any], kind: str, probability: float, accounts: int) -> float:
    minutes = numbers["minutes"][kind] + numbers["minutes_more"] * (accounts - 1)
    return float(round(probability * numbers["harm"][kind] * accounts / minutes, 6))


@cache
def priority_numbers(path: Path) -> Mapping[str, Any]:
    """Harm, minutes and the share confirmed by typology, and the minutes for each further account of a group.

    Raises:
        Invalid: a number is missing, or is none, or cannot be; the message says which.
    """
    numbers = read_thresholds(path).values
    missing = {*BY_TYPOLOGY, "minutes_more"} - numbers.keys()
    if missing:
        raise Invalid(f"{path.name} lacks {', '.join(sorted(missing))}.")
    kinds = {UNKNOWN}.union(*(numbers[name] for name in BY_TYPOLOGY))
    for name in BY_TYPOLOGY:
        most = 1.0 if name == "confirmed" else float("inf")
        for kind in sorted(kinds):
            value = numbers[name].get(kind)
            if not isinstance(value, int | float) or not 0 < value <= most:
                limit = "above 0 and at most 1" if name == "confirmed" else "above 0"
                raise Invalid(f"{path.name} says {value!r} for {name} of {kind}; write a number {limit}.")
    if not isinstance(numbers["minutes_more"], int | float) or numbers["minutes_more"] < 0:
        raise Invalid(f"{path.name} says {numbers['minutes_more']!r} for minutes_more; write minutes, 0 or more.")
    return numbers
