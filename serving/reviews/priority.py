"""How much harm a minute of a reviewer may prevent, which the queue can be ordered by (methods 6.4).

Priority = probability x harm x accounts / minutes. What is covered already is not asked again: a suspicion that stands
open opens no second case.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.thresholds import read_thresholds

FILE = Path(__file__).with_suffix(".yaml")
ANY_OTHER = "unknown_anomaly"


def priority_of(typology: str, accounts: int, scores: Mapping[str, Any]) -> float:
    """Points of harm that a minute of review may prevent.

    The probability is the model's for this typology (of a group, that of its most suspect account), or the share of
    such cases that used to be confirmed, whichever is higher.

    Args:
        typology: what the case is about.
        accounts: of how many accounts.
        scores: the scores of the case (activity schema, Review).

    >>> round(priority_of("wash_trading", 1, {"violation_probability": {"wash_trading": 0.9}}), 3)  # .9 x 3 / 8
    0.338
    """
    numbers = read_thresholds(FILE).values
    harm, minutes, confirmed = (
        numbers[name].get(typology, numbers[name][ANY_OTHER]) for name in ("harm", "minutes", "confirmed")
    )
    predicted = (scores.get("violation_probability") or {}).get(typology) or 0.0
    return float(max(predicted, confirmed) * harm * accounts / (minutes + numbers["minutes_more"] * (accounts - 1)))
