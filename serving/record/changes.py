"""Rows that would end or weaken a restriction, which wait until a second person lets them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Index, Row, Table, Text, insert, select, update

from features.kernel.errors import Conflict, NotFound, NotPermitted
from serving.storage.database import Transaction
from serving.storage.metadata import UtcMoment, metadata

PREFIX = "chg_"

record_changes = Table(
    "record_changes",
    metadata,
    Column("change_id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("row_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", UtcMoment, nullable=False),
    Column("reason", Text),
    Column("decided_by", Text),
    Column("decided_at", UtcMoment),
    Column("decision_reason", Text),
    Index(None, "state", "proposed_at"),
)


class ChangeState(StrEnum):
    """Whether a change waits, binds or never will."""

    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the record that waits for a second person, or waited."""

    change_id: str
    subject: str
    row_key: str
    state: ChangeState
    proposed_by: str
    proposed_at: datetime
    reason: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None


class Changes:
    """The changes as one transaction sees them."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    def propose(
        self, subject: str, row_keys: Sequence[str], by: str, at: datetime, reason: str | None = None
    ) -> tuple[str, ...]:
        """Lets rows wait; gives back their change ids."""
        shared: dict[str, Any] = {"subject": subject, "state": ChangeState.AWAITING_APPROVAL.value, "proposed_by": by}
        shared |= {"proposed_at": at, "reason": reason}
        rows = [shared | {"change_id": id_of(key), "row_key": key} for key in row_keys]
        if rows:
            self._connection.execute(insert(record_changes), rows)
        return tuple(map(id_of, row_keys))

    def get(self, change_id: str) -> Change:
        """The change of that id.

        Raises:
            NotFound: there is none.
        """
        row = self._connection.execute(
            select(record_changes).where(record_changes.c.change_id == change_id)
        ).one_or_none()
        if row is None:
            raise NotFound(f"There is no change {change_id!r}; `mscore changes list` shows those that wait.")
        return _change(row)

    def list(self, state: ChangeState | None = ChangeState.AWAITING_APPROVAL) -> list[Change]:
        """The changes in a state, or all of them; the oldest first."""
        query = select(record_changes).order_by(record_changes.c.proposed_at, record_changes.c.change_id)
        if state is not None:
            query = query.where(record_changes.c.state == state.value)
        return [_change(row) for row in self._connection.execute(query)]

    def decide(self, change_id: str, state: ChangeState, by: str, at: datetime, reason: str | None) -> Change:
        """Ends the waiting of a change.

        Raises:
            NotFound: there is no such change.
            Conflict: it does not wait any more; the sentence says what became of it.
            NotPermitted: whoever proposed it may not decide about it.
        """
        change = self.get(change_id)
        if change.state is not ChangeState.AWAITING_APPROVAL:
            raise Conflict(f"Change {change_id} was {change.state} by {change.decided_by} already.")
        if by == change.proposed_by:
            raise NotPermitted(f"{by} proposed change {change_id}; another person must decide about it.")
        decided: Mapping[str, Any] = {
            "state": state.value,
            "decided_by": by,
            "decided_at": at,
            "decision_reason": reason,
        }
        waits = record_changes.c.state == ChangeState.AWAITING_APPROVAL.value
        done = self._connection.execute(
            update(record_changes).where(record_changes.c.change_id == change_id, waits).values(decided)
        )
        if done.rowcount != 1:
            raise Conflict(f"Change {change_id} was decided at this very moment; look at it again.")
        return self.get(change_id)


def id_of(row_key: str) -> str:
    """The id under which a waiting row is approved or refused."""
    return f"{PREFIX}{row_key[:24]}"


def _change(row: Row[Any]) -> Change:
    return Change(**{**row._mapping, "state": ChangeState(row.state)})
