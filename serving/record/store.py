"""The newest state of each account in the database: the one row a decision reads."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import orjson
from sqlalchemy import JSON, Column, Table, Text, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite

from features.kernel.errors import Invalid, MscoreError, NotFound
from serving.record.model import AccountState
from serving.storage.database import Transaction
from serving.storage.metadata import UtcMoment, metadata

account_state = Table(
    "account_state",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("as_of", UtcMoment),
    Column("state", JSON, nullable=False),
    Column("updated_at", UtcMoment, nullable=False),
)


ROWS_AT_ONCE = 1000
Item = TypeVar("Item")

# As text: one damaged row must not keep the others of a batch from being read.
_STATE_TEXT = cast(account_state.c.state, Text).label("state")
_ONE = select(_STATE_TEXT, account_state.c.updated_at)


class UnreadableState(MscoreError):
    """The stored row of an account is damaged."""


@dataclass(frozen=True, slots=True)
class StoredState:
    """A state and the moment it was stored."""

    state: AccountState
    updated_at: datetime


class AccountStates:
    """The account states as one transaction sees them."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    def upsert(self, states: Iterable[AccountState], updated_at: datetime) -> int:
        """Store the states in place of older ones; gives back how many."""
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(account_state)
        replacing = {name: statement.excluded[name] for name in ("as_of", "state", "updated_at")}
        statement = statement.on_conflict_do_update(index_elements=["account_id"], set_=replacing)
        count = 0
        for chunk in _chunks(states):
            self._connection.execute(statement, [_row(state, updated_at) for state in chunk])
            count += len(chunk)
        return count

    def find(self, account_ids: Sequence[str]) -> dict[str, AccountState | None]:
        """The states of those of the accounts that have one; None stands for a row that cannot be read."""
        query = select(account_state.c.account_id, _STATE_TEXT)
        rows = self._connection.execute(query.where(account_state.c.account_id.in_(set(account_ids))))
        return {row.account_id: _state(row.state) for row in rows}

    def get(self, account_id: str) -> StoredState:
        """The stored state of the account.

        Raises:
            NotFound: the account was never scored.
            UnreadableState: its row is damaged.
        """
        row = self._connection.execute(_ONE.where(account_state.c.account_id == account_id)).one_or_none()
        if row is None:
            raise NotFound(f"Account {account_id!r} was never scored; run a scoring first or check the id.")
        state = _state(row.state)
        if state is None:
            raise UnreadableState(f"The stored state of account {account_id!r} cannot be read; score it again.")
        return StoredState(state, row.updated_at)

    def count(self) -> int:
        """How many accounts have a state."""
        return self._connection.execute(select(func.count()).select_from(account_state)).scalar_one()


def _state(text: str) -> AccountState | None:
    try:
        return AccountState.from_stored(orjson.loads(text))
    except (LookupError, TypeError, ValueError, AttributeError, Invalid):
        return None


def _row(state: AccountState, updated_at: datetime) -> dict[str, Any]:
    return {
        "account_id": state.account_id,
        "as_of": state.as_of,
        "state": state.to_stored(),
        "updated_at": updated_at,
    }


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, ROWS_AT_ONCE)):
        yield chunk
