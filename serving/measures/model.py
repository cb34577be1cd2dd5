"""What a measure is: proposed to a person, or imposed on one account (docs/activity-schema.md#review)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from features.kernel.stored import LEFT_OUT, Moment, Part


class MeasureState(StrEnum):
    """Whether a measure binds."""

    IN_FORCE = "in_force"
    LIFTED = "lifted"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class ProposedMeasure(Part):
    """A measure a person may impose; nothing binds before that. What is not set is left out of its JSON."""

    measure: str
    accounts: tuple[str, ...]
    days: Annotated[int | None, LEFT_OUT] = None
    scope: Annotated[str | None, LEFT_OUT] = None


@dataclass(frozen=True, slots=True)
class Measure(Part):
    """A measure imposed on one account: typed, timed, with the clause it rests on and who decided it.

    An unlimited one has no `ends_at`.
    """

    measure_id: str
    measure: str
    account_id: str
    clause: str
    scope: str
    starts_at: Moment
    decided_by: str
    state: MeasureState
    ends_at: Annotated[Moment | None, LEFT_OUT] = None


@dataclass(frozen=True, slots=True)
class ImposedMeasure:
    """A measure with what it rests on, and who ended it before its time."""

    measure: Measure
    reason: str
    review_id: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
