"""What a measure is: proposed to a person, or imposed on one account (activity schema, Review)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from features.kernel.moments import moment_of, text_of

Json = Mapping[str, Any]


class MeasureState(StrEnum):
    """Whether a measure binds."""

    IN_FORCE = "in_force"
    LIFTED = "lifted"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class ProposedMeasure:
    """A measure a person may impose; nothing binds before that."""

    measure: str
    accounts: tuple[str, ...]
    days: int | None = None
    scope: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The proposal as the contract writes it; what is not set is left out."""
        record: dict[str, Any] = {"measure": self.measure, "accounts": list(self.accounts)}
        return record | set_values(days=self.days, scope=self.scope)

    @classmethod
    def from_json(cls, record: Json) -> "ProposedMeasure":
        """The proposal that `to_json` wrote."""
        return cls(record["measure"], tuple(record["accounts"]), record.get("days"), record.get("scope"))


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure imposed on one account: typed, timed, with the clause it rests on and who decided it."""

    measure_id: str
    measure: str
    account_id: str
    clause: str
    scope: str
    starts_at: datetime
    decided_by: str
    state: MeasureState
    ends_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """The measure as the contract writes it; an unlimited one has no `ends_at`."""
        record = asdict(self) | {"starts_at": text_of(self.starts_at), "state": self.state.value}
        del record["ends_at"]
        return record | set_values(ends_at=text_of(self.ends_at) if self.ends_at else None)

    @classmethod
    def from_json(cls, record: Json) -> "Measure":
        """The measure that `to_json` wrote."""
        ends_at = record.get("ends_at")
        return cls(
            record["measure_id"],
            record["measure"],
            record["account_id"],
            record["clause"],
            record["scope"],
            moment_of(record["starts_at"]),
            record["decided_by"],
            MeasureState(record["state"]),
            moment_of(ends_at) if ends_at else None,
        )


def set_values(**values: Any) -> dict[str, Any]:
    """The values that are set."""
    return {name: value for name, value in values.items() if value is not None}
