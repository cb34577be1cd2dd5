"""Measures in the database: who imposed them, on what they rest, from when to when, and who ended them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, Table, Text, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from serving.measures.model import ImposedMeasure, Measure, MeasureState
from serving.storage.database import Transaction
from serving.storage.metadata import UtcMoment, metadata

measures = Table(
    "measures",
    metadata,
    Column("measure_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False, index=True),
    Column("measure", Text, nullable=False),
    Column("clause", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("review_id", Text, index=True),
    Column("starts_at", UtcMoment, nullable=False),
    Column("ends_at", UtcMoment),
    Column("ended_at", UtcMoment),
    Column("ended_by", Text),
)


class Measures:
    """The measures as one transaction sees them."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    def start(self, imposed: Sequence[ImposedMeasure]) -> int:
        """Impose measures that are not there yet; gives back how many began."""
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(measures).on_conflict_do_nothing(index_elements=["measure_id"])
        return sum(self._connection.execute(statement, _row(measure)).rowcount for measure in imposed)

    def of_accounts(self, account_ids: Collection[str], now: datetime) -> dict[str, list[Measure]]:
        """By account the measures that are not over."""
        query = select(measures).where(measures.c.account_id.in_(account_ids), _runs(now))
        by_account: dict[str, list[Measure]] = {}
        for row in self._connection.execute(query.order_by(measures.c.starts_at, measures.c.measure_id)):
            by_account.setdefault(row.account_id, []).append(_imposed(row, now).measure)
        return by_account

    def list(self, now: datetime) -> Sequence[ImposedMeasure]:
        """The measures that are not over, in the order in which they began."""
        query = select(measures).where(_runs(now)).order_by(measures.c.starts_at, measures.c.measure_id)
        return [_imposed(row, now) for row in self._connection.execute(query)]

    def of_review(self, review_id: str, now: datetime) -> Sequence[ImposedMeasure]:
        """The measures that rest on a review, over or not, in the order in which they began."""
        query = select(measures).where(measures.c.review_id == review_id)
        rows = self._connection.execute(query.order_by(measures.c.starts_at, measures.c.measure_id))
        return [_imposed(row, now) for row in rows]

    def end_those_of(self, review_id: str, by: str, at: datetime) -> int:
        """End what rests on a review; gives back how many ended."""
        resting = (measures.c.review_id == review_id, _runs(at))
        ended = update(measures).where(*resting).values(ended_at=at, ended_by=by)
        return self._connection.execute(ended).rowcount

    def ended_by_time(self, decided_by: str, now: datetime) -> tuple[int, int]:
        """How many measures of somebody are over, and how many of these ran out without anybody ending them."""
        over = or_(measures.c.ended_at <= now, measures.c.ends_at <= now)
        whose = measures.c.decided_by.startswith(decided_by, autoescape=True)
        query = select(func.count(), func.count().filter(measures.c.ended_at.is_(None))).where(whose, over)
        every, alone = self._connection.execute(query).one()
        return every, alone


def _runs(now: datetime) -> Any:
    return measures.c.ended_at.is_(None) & or_(measures.c.ends_at.is_(None), measures.c.ends_at > now)


def _row(imposed: ImposedMeasure) -> dict[str, Any]:
    measure = imposed.measure
    names = ("measure_id", "account_id", "measure", "clause", "scope", "decided_by", "starts_at", "ends_at")
    beside = {"reason": imposed.reason, "review_id": imposed.review_id}
    return {name: getattr(measure, name) for name in names} | beside


def _imposed(row: Row[Any], now: datetime) -> ImposedMeasure:
    measure = Measure(
        measure_id=row.measure_id,
        measure=row.measure,
        account_id=row.account_id,
        clause=row.clause,
        scope=row.scope,
        starts_at=row.starts_at,
        decided_by=row.decided_by,
        state=MeasureState.IN_FORCE,
        ends_at=row.ends_at,
    )
    if row.ended_at is not None:
        measure = replace(measure, state=MeasureState.LIFTED)
    elif row.ends_at is not None and row.ends_at <= now:
        measure = replace(measure, state=MeasureState.LAPSED)
    return ImposedMeasure(measure, row.reason, row.review_id, row.ended_at, row.ended_by)
