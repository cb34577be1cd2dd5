"""Decisions in the database: append-only, each found again by its id or by the key it was asked with."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Index,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    false,
    insert,
    or_,
    select,
)
from sqlalchemy.exc import IntegrityError

from features.kernel.errors import Conflict, NotFound
from features.kernel.stored import SCHEMA_VERSION
from serving.decisions.model import Decision
from serving.storage.database import Transaction
from serving.storage.metadata import UtcMoment, metadata

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("decided_at", UtcMoment, nullable=False),
    Column("client", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("request", JSON, nullable=False),
    Column("answer", JSON, nullable=False),
    Column("shadow_rules", JSON, nullable=False),
    UniqueConstraint("client", "idempotency_key"),
    Index(None, "account_id", "decided_at"),
)


ClientKey = tuple[str, str]


class DecisionInFlight(Conflict):
    """The same idempotency key is being answered by another process at this moment."""


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One decision given: who asked what with which key, and the answer as it was sent.

    `client` is the program that asked, under any of its keys, `body_hash` the SHA-256 of what the request means.
    `request` and `answer` are as stored, with their version; `shadow_rules` fired without effect and are no part of
    the answer.
    """

    decision_id: str
    account_id: str
    decided_at: datetime
    client: str
    idempotency_key: str
    body_hash: str
    request: Mapping[str, Any]
    answer: Mapping[str, Any]
    shadow_rules: Sequence[Mapping[str, Any]] = ()

    @property
    def sent(self) -> dict[str, Any]:
        """The answer exactly as it was sent, whichever version wrote it."""
        return {name: value for name, value in self.answer.items() if name != SCHEMA_VERSION}

    @property
    def decision(self) -> Decision:
        """The decision that the answer tells.

        Raises:
            Invalid: a newer version wrote it.
        """
        return Decision.from_stored(self.answer, shadow_rules=self.shadow_rules)


_NAMES = tuple(column.name for column in fields(DecisionRecord))


class DecisionLog:
    """The decisions as one transaction sees them."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    def append(self, records: Sequence[DecisionRecord]) -> None:
        """Store new decisions.

        Raises:
            DecisionInFlight: another process has stored one of the keys in the meantime; nothing was stored.
        """
        if not records:
            return
        try:
            self._connection.execute(insert(decisions), [_row(record) for record in records])
        except IntegrityError as error:
            raise DecisionInFlight(
                "A request with the same Idempotency-Key is being answered at this moment; send it again."
            ) from error

    def answered(self, client_keys: Sequence[ClientKey]) -> dict[ClientKey, DecisionRecord]:
        """The decisions already given for pairs of client and idempotency key."""
        keys: dict[str, list[str]] = defaultdict(list)
        for client, key in client_keys:
            keys[client].append(key)
        # Not a list of pairs: SQLite would go through every decision ever stored.
        pairs = [and_(decisions.c.client == c, decisions.c.idempotency_key.in_(ks)) for c, ks in keys.items()]
        rows = self._connection.execute(select(decisions).where(or_(false(), *pairs))).all()
        return {(row.client, row.idempotency_key): _record(row) for row in rows}

    def get(self, decision_id: str) -> DecisionRecord:
        """The decision of that id.

        Raises:
            NotFound: no such decision was given.
        """
        query = select(decisions).where(decisions.c.decision_id == decision_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"No decision {decision_id!r} was given.")
        return _record(row)


def _row(record: DecisionRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _NAMES}


def _record(row: Row[Any]) -> DecisionRecord:
    return DecisionRecord(**row._mapping)
