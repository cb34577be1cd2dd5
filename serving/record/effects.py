"""What a new row does to the one that binds: what adds a restriction binds at once, what ends one may have to wait."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, TypeAlias

NEVER = datetime.max.replace(tzinfo=UTC)
Row: TypeAlias = Mapping[str, Any]


class Effect(Enum):
    """What a row does to the row that binds about the same thing."""

    REPLACES = auto()
    """It restricts at least as much, and takes its place."""
    ADDS = auto()
    """It restricts something else; both bind."""
    EASES = auto()
    """It restricts less, or for less long: it waits, unless its source is trusted."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject of the record whose rows may say something else about a thing than earlier rows do.

    Attributes:
        key: the columns that name the thing.
        effect: what a row does to the one that binds.
    """

    key: tuple[str, ...]
    effect: Callable[[Row, Row], Effect]

    def named(self, row: Row) -> tuple[Any, ...]:
        """What the row is about."""
        return tuple(row[name] for name in self.key)


def _end(*moments: datetime | None) -> datetime:
    return min((moment for moment in moments if moment is not None), default=NEVER)


def _of_order(new: Row, old: Row) -> Effect:
    is_shorter = _end(new["expires_at"], new["lifted_at"]) < _end(old["expires_at"], old["lifted_at"])
    if is_shorter:
        # What ends one scope of an order says nothing of another.
        return Effect.EASES if new["scope"] == old["scope"] else Effect.ADDS
    is_as_wide = new["scope"] in (old["scope"], "freeze") and new["ts"] <= old["ts"]
    return Effect.REPLACES if is_as_wide else Effect.ADDS


def _of_entry(new: Row, old: Row) -> Effect:
    return Effect.EASES if _end(new["effective_to"]) < _end(old["effective_to"]) else Effect.REPLACES


def _of_measure(new: Row, old: Row) -> Effect:
    if old["state"] != "in_force":
        return Effect.REPLACES
    is_shorter = new["state"] != "in_force" or _end(new["ends_at"]) < _end(old["ends_at"])
    return Effect.EASES if is_shorter else Effect.ADDS


def _of_account(new: Row, old: Row) -> Effect:
    return Effect.EASES if new["market_maker"] and not old["market_maker"] else Effect.REPLACES


SUBJECTS: Mapping[str, Subject] = {
    "accounts": Subject(("account_id",), _of_account),
    "legal_orders": Subject(("legal_order_id", "account_id"), _of_order),
    "watchlist": Subject(("list", "kind", "value", "source", "effective_from"), _of_entry),
    "measures": Subject(("account_id", "measure"), _of_measure),
}
"""The other subjects only grow: a changed credential, an added address, an identifier seen."""
