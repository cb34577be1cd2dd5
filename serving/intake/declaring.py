"""List entries and legal orders that people declare, one at a time, and changes that wait for a second person."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.activity.identifiers import is_id, is_stand_in, spelt_as_listed
from features.activity.schema import TABLES
from features.kernel.errors import Conflict, Invalid, NotFound
from features.kernel.moments import text_of
from serving.intake.service import require_record
from serving.record.changes import Change, Changes, ChangeState
from serving.record.effects import SUBJECTS, Effect
from serving.record.known import Record
from serving.storage import Database
from serving.storage.database import Transaction

LISTS = TABLES["watchlist"].column("list").values
KINDS = TABLES["watchlist"].column("kind").values
NEEDS_SECOND_PERSON = ("sanctions", "criminal")
"""Lists whose entries one person alone does not end."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What became of a row: it binds at once, or waits for a second person under a change id."""

    row: Mapping[str, Any]
    change_id: str | None = None

    @property
    def state(self) -> str:
        """`in_force` or `awaiting_approval`."""
        return ChangeState.AWAITING_APPROVAL.value if self.change_id else "in_force"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a list, as somebody declares it; the value may be written in any way.

    Raises:
        Invalid: there is no such list or kind, or the value names nothing.
    """

    list: str
    kind: str
    value: str
    source: str

    def __post_init__(self) -> None:
        """Refuses what could never be met."""
        require_list(self.list)
        _require_word("kind", self.kind)
        if not is_id(self.value) or is_stand_in(self.value):
            raise Invalid(f"{self.value!r} names no {self.kind}; give the value that is listed.")
        if not self.source.strip():
            raise Invalid("The source of the entry is empty; say where it comes from.")

    @property
    def named(self) -> dict[str, str]:
        """What the entry is about, in comparable form."""
        value = spelt_as_listed(self.kind, self.value)
        return {"list": self.list, "kind": self.kind, "value": value, "source": self.source}


def declare_entry(
    database: Database,
    entry: Entry,
    starts: datetime | None,
    ends: datetime | None,
    by: str,
    reason: str,
    now: datetime,
) -> Declared:
    """Put an entry on a list: it binds at once. One that ends an earlier one sooner waits for a second person.

    Raises:
        Invalid: it ends before it starts, or no reason is given.
    """
    start = starts or now
    if ends is not None and ends <= start:
        raise Invalid(f"The entry would end at {text_of(ends)}, not after its start at {text_of(start)}.")
    row = entry.named | {"effective_from": start, "effective_to": ends}
    with database.transaction() as transaction:
        require_record(transaction, now)
        if starts is None and (same := Record(transaction).of_thing("watchlist", **entry.named)):
            row["effective_from"] = min(old["effective_from"] for old in same)
        return _declared(transaction, "watchlist", row, by, reason, now, is_trusted=False)


def end_entry(database: Database, entry: Entry, by: str, reason: str, now: datetime) -> tuple[Declared, ...]:
    """End an entry of a list now, from whichever day it was in effect.

    One of a list of sanctions or criminals goes on binding until a second person agrees.

    Raises:
        NotFound: the list has no such entry of that source.
    """
    with database.transaction() as transaction:
        require_record(transaction, now)
        in_force = [
            row
            for row in Record(transaction).of_thing("watchlist", **entry.named)
            if row["effective_to"] is None or row["effective_to"] > now
        ]
        if not in_force:
            raise NotFound(f"The list {entry.list} has no {entry.kind} {entry.value!r} of the source {entry.source!r}.")
        ended = [_columns(row) | {"effective_to": now} for row in in_force]
        alone = entry.list not in NEEDS_SECOND_PERSON
        return tuple(_declared(transaction, "watchlist", row, by, reason, now, is_trusted=alone) for row in ended)


def declare_order(database: Database, order: Mapping[str, Any], by: str, now: datetime) -> Declared:
    """Write down a legal order: it binds at once, above everything. One that shortens an earlier one waits.

    Args:
        order: the columns of the table `legal_orders`.
    """
    if order.get("expires_at") is not None and order["expires_at"] <= order["ts"]:
        raise Invalid("The order would expire before it starts; check `ts` and `expires_at`.")
    with database.transaction() as transaction:
        require_record(transaction, now)
        return _declared(transaction, "legal_orders", order, by, None, now, is_trusted=False)


def lift_order(database: Database, legal_order_id: str, by: str, reason: str, now: datetime) -> tuple[Declared, ...]:
    """Ask for a legal order to be lifted: it binds until a second person agrees.

    Raises:
        NotFound: no such order is in force.
    """
    with database.transaction() as transaction:
        require_record(transaction, now)
        rows = Record(transaction).of_thing("legal_orders", legal_order_id=legal_order_id)
        if not rows:
            raise NotFound(f"There is no legal order {legal_order_id!r} in force.")
        lifted = [_columns(row) | {"lifted_at": now} for row in rows]
        return tuple(_declared(transaction, "legal_orders", row, by, reason, now, is_trusted=False) for row in lifted)


def approve(database: Database, change_id: str, by: str, reason: str | None, now: datetime) -> Change:
    """Let a waiting row bind, as a second person.

    Raises:
        Conflict: it does not wait any more, or what it changes was changed since.
        NotPermitted: the same person proposed it.
    """
    with database.transaction() as transaction:
        change = Changes(transaction).decide(change_id, ChangeState.APPROVED, by, now, reason)
        row, subject = Record(transaction).row(change.subject, change.row_key), SUBJECTS[change.subject]
        named = dict(zip(subject.key, subject.named(row), strict=True))
        for old in Record(transaction).of_thing(change.subject, **named):
            if old["known_from"] > change.proposed_at and subject.effect(row, old) is not Effect.ADDS:
                raise Conflict(
                    f"What change {change_id} is about was changed at {text_of(old['known_from'])}, after it was "
                    "proposed; refuse it and propose again."
                )
        Record(transaction).release(change.subject, change.row_key, now)
    return change


def refuse(database: Database, change_id: str, by: str, reason: str | None, now: datetime) -> Change:
    """Say of a waiting row that it will not bind.

    Raises:
        Conflict: it does not wait any more.
        NotPermitted: the same person proposed it.
    """
    with database.transaction() as transaction:
        change = Changes(transaction).decide(change_id, ChangeState.REFUSED, by, now, reason)
        Record(transaction).drop(change.subject, change.row_key, now)
    return change


def _declared(
    transaction: Transaction,
    subject: str,
    row: Mapping[str, Any],
    by: str,
    reason: str | None,
    now: datetime,
    *,
    is_trusted: bool,
) -> Declared:
    named = dict(zip(SUBJECTS[subject].key, SUBJECTS[subject].named(row), strict=True))
    if any(_columns(old) == dict(row) for old in Record(transaction).of_thing(subject, **named)):
        return Declared(row)
    # The key is new each time: what was ended and is declared again binds again.
    written = dict(row) | {"known_from": now, "row_key": secrets.token_hex(16)}
    added = Record(transaction).add(subject, [written], is_trusted=is_trusted)
    changes = Changes(transaction).propose(subject, added.waiting, by, now, reason)
    return Declared(row, changes[0] if changes else None)


def _columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a stored row says, without when it was known and whether it binds."""
    about_the_row = {"row_key", "known_from", "known_until", "waits"}
    return {str(name): value for name, value in row.items() if name not in about_the_row}


def require_list(name: str) -> None:
    """Makes sure that there is such a list.

    Raises:
        Invalid: there is none.
    """
    _require_word("list", name)


def _require_word(column: str, word: str) -> None:
    words = TABLES["watchlist"].column(column).values
    if word not in words:
        raise Invalid(f"There is no {column} {word!r}; choose one of {', '.join(words)}.")
