"""Reviews in the database: the frozen case, its append-only events, and the queue in pages."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Row,
    Select,
    Table,
    Text,
    and_,
    case,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.exc import IntegrityError

from features.kernel.errors import Conflict, Invalid, NotFound
from features.kernel.moments import moment_of, text_of
from serving.measures.model import Measure
from serving.policy.terms import SAMPLED, Severity
from serving.reviews.lifecycle import ReviewEvent, apply_events, opening
from serving.reviews.model import Review, ReviewStatus
from serving.storage.database import Transaction
from serving.storage.metadata import UtcMoment, metadata
from serving.storage.paging import Page, page_limit, position_of, token_after

reviews = Table(
    "reviews",
    metadata,
    Column("review_id", Text, primary_key=True),
    Column("dedup_key", Text, nullable=False, unique=True),
    Column("opened_at", UtcMoment, nullable=False),
    Column("due_at", UtcMoment, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("typology", Text, nullable=False),
    Column("case", JSON, nullable=False),
    Column("priority", Float, nullable=False, server_default="0"),
    Index(None, "severity", "due_at", "review_id"),
    Index(None, "priority", "due_at", "review_id"),
)

review_accounts = Table(
    "review_accounts",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("review_id", Text, ForeignKey("reviews.review_id"), primary_key=True),
)

review_events = Table(
    "review_events",
    metadata,
    Column("review_id", Text, ForeignKey("reviews.review_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("at", UtcMoment, nullable=False),
    Column("done_by", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("changes", JSON, nullable=False),
)


SYSTEM = "system"
MAX_IDS = 10_000
"""SQLite takes some thirty thousand values in one query."""


class QueueOrder(StrEnum):
    """What comes first."""

    SEVERITY = "severity"
    PRIORITY = "priority"


class StaleReview(Conflict):
    """Another person changed the review in the meantime."""


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Which reviews are returned, and in which order; None means all, `waiting` those not closed.

    `sampled` chooses random samples (True), or those that a rule or score asked for (False).
    """

    status: ReviewStatus | None = None
    severity: Severity | None = None
    typology: str | None = None
    waiting: bool = False
    sampled: bool | None = None
    order: QueueOrder = QueueOrder.SEVERITY

    def __post_init__(self) -> None:
        if self.waiting and self.status is ReviewStatus.CLOSED:
            raise Invalid("waiting cannot be combined with status closed; choose one of them.")

    def parameters(self) -> dict[str, Any]:
        """The filter as plain values, for the page token to be bound to."""
        severity = self.severity.word if self.severity is not None else None
        return {
            "status": self.status,
            "severity": severity,
            "typology": self.typology,
            "waiting": self.waiting,
            "drawn": self.sampled,
            "order": self.order,
        }


@dataclass(frozen=True, slots=True)
class OpenReview:
    """A review of an account that is not closed."""

    review_id: str
    typology: str
    severity: Severity

    def covers(self, candidate: Review) -> bool:
        """Whether this open review covers the candidate, with at least its severity."""
        return self.typology == candidate.typology and self.severity >= candidate.severity


@dataclass(frozen=True, slots=True)
class OpenReviewsAndMeasures:
    """The reviews of one account that are not closed, oldest first, and its measures."""

    open_reviews: tuple[OpenReview, ...]
    measures: tuple[Measure, ...]


SAMPLING_METHOD = reviews.c.case[("selection", "way")].as_string()
FIRST: Mapping[QueueOrder, tuple[Column[Any], type]] = {
    QueueOrder.SEVERITY: (reviews.c.severity, int),
    QueueOrder.PRIORITY: (reviews.c.priority, float),
}


class ReviewLog:
    """The reviews as one transaction sees them."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    def open(self, review: Review, by: str = SYSTEM) -> bool:
        """Store the frozen case and its first event; False, and nothing stored, where the case is known."""
        if self.id_of(review.dedup_key) is not None:
            return False
        self._connection.execute(insert(reviews), _row(review))
        self._connection.execute(insert(review_events), _event_row(opening(review, by), ReviewStatus.OPEN))
        rows = [{"account_id": account, "review_id": review.review_id} for account in dict.fromkeys(review.accounts)]
        if rows:
            self._connection.execute(insert(review_accounts), rows)
        return True

    def id_of(self, dedup_key: str) -> str | None:
        """The review already opened for the same case, if any."""
        query = select(reviews.c.review_id).where(reviews.c.dedup_key == dedup_key)
        return self._connection.execute(query).scalar_one_or_none()

    def get(self, review_id: str) -> Review:
        """The review in its current state.

        Raises:
            NotFound: there is no such review.
        """
        row = self._connection.execute(select(reviews).where(reviews.c.review_id == review_id)).one_or_none()
        if row is None:
            raise NotFound(f"There is no review {review_id!r}; list the reviews to see those that exist.")
        return apply_events(_frozen(row), self.history(review_id))

    def history(self, review_id: str) -> tuple[ReviewEvent, ...]:
        """What happened to the review, oldest first."""
        return tuple(self._events([review_id])[review_id])

    def record(self, event: ReviewEvent) -> None:
        """Append one event.

        Raises:
            NotFound: there is no such review.
            StaleReview: the event's version is not the next one; the message says what happened meanwhile.
        """
        review = self.get(event.review_id)
        if event.version != review.version + 1:
            last = self.history(event.review_id)[-1]
            raise StaleReview(
                f"Review {event.review_id} is at version {last.version} ({last.kind} by {last.by} at "
                f"{text_of(last.at)}), not {event.version - 1}; read it again and decide on what it says now."
            )
        try:
            self._connection.execute(insert(review_events), _event_row(event, apply_events(review, [event]).status))
        except IntegrityError as error:
            raise StaleReview(f"Review {event.review_id} was changed at this very moment; read it again.") from error

    def list(
        self, filters: ReviewFilter | None = None, page_size: int | None = None, page_token: str | None = None
    ) -> Page[Review]:
        """One page of the queue: the most severe or the highest priority first, then the earliest due.

        Raises:
            BadPageToken: the token is damaged or belongs to other filters.
        """
        filters, limit = filters or ReviewFilter(), page_limit(page_size)
        first, kind = FIRST[filters.order]
        query = _matching(filters).order_by(first.desc(), reviews.c.due_at, reviews.c.review_id)
        if page_token is not None:
            query = query.where(_behind(first, position_of(page_token, filters.parameters(), [kind, str, str])))
        rows = self._connection.execute(query.limit(limit + 1)).all()
        page_rows, more = rows[:limit], len(rows) > limit
        events = self._events([row.review_id for row in page_rows])
        token = token_after(_position(first, page_rows[-1]), filters.parameters()) if more else None
        return Page(tuple(apply_events(_frozen(row), events[row.review_id]) for row in page_rows), token)

    def open_reviews_and_measures(self, account_ids: Sequence[str]) -> dict[str, OpenReviewsAndMeasures]:
        """The open reviews and measures of the accounts now; an account without reviews is left out."""
        query = (
            select(review_accounts.c.account_id, reviews.c.typology, reviews.c.severity, review_events)
            .join(reviews, reviews.c.review_id == review_accounts.c.review_id)
            .join(review_events, review_events.c.review_id == review_accounts.c.review_id)
            .where(review_accounts.c.account_id.in_(set(account_ids)))
            .order_by(reviews.c.opened_at, reviews.c.review_id, review_events.c.version)
        )
        steps: defaultdict[str, list[Row[Any]]] = defaultdict(list)
        for row in self._connection.execute(query):
            steps[row.account_id].append(row)
        return {account_id: _open_reviews_and_measures(account_id, rows) for account_id, rows in steps.items()}

    def accounts_under_review(self) -> frozenset[str]:
        """The accounts of all reviews that are not closed."""
        query = (
            select(review_accounts.c.account_id)
            .join(review_events, review_events.c.review_id == review_accounts.c.review_id)
            .where(_is_latest(), review_events.c.status != ReviewStatus.CLOSED.value)
        )
        return frozenset(self._connection.execute(query).scalars())

    def closed(self) -> Sequence[tuple[Review, Sequence[ReviewEvent]]]:
        """The closed reviews that have a finding, with their events, in the order in which they were closed."""
        query = (
            select(reviews)
            .join(review_events, review_events.c.review_id == reviews.c.review_id)
            .where(_is_latest(), review_events.c.status == ReviewStatus.CLOSED.value)
            .order_by(review_events.c.at, reviews.c.review_id)
        )
        rows = self._connection.execute(query).all()
        closed = []
        for start in range(0, len(rows), MAX_IDS):
            some = rows[start : start + MAX_IDS]
            events = self._events([row.review_id for row in some])
            closed += [(apply_events(_frozen(row), events[row.review_id]), events[row.review_id]) for row in some]
        return [(review, history) for review, history in closed if review.finding is not None]

    def opened_by_day(self, days: int) -> Sequence[tuple[date, str, int]]:
        """How many reviews were opened in the `days` up to the newest: UTC day, kind, count; in that order.

        The kind is the typology, or `SAMPLED`.
        """
        newest = self._connection.execute(select(func.max(reviews.c.opened_at))).scalar_one()
        if newest is None:
            return []
        kind = case((SAMPLING_METHOD.is_not(None), SAMPLED), else_=reviews.c.typology).label("kind")
        query = select(reviews.c.opened_at, kind)
        rows = self._connection.execute(query.where(reviews.c.opened_at > newest - timedelta(days=days)))
        return [
            (*key, count) for key, count in sorted(Counter((row.opened_at.date(), row.kind) for row in rows).items())
        ]

    def count_by_status(self) -> dict[str, int]:
        """How many reviews have each status."""
        query = (
            select(review_events.c.status, func.count().label("reviews"))
            .where(_is_latest())
            .group_by(review_events.c.status)
        )
        return {row.status: row.reviews for row in self._connection.execute(query)}

    def _events(self, review_ids: Sequence[str]) -> Mapping[str, Sequence[ReviewEvent]]:
        query = (
            select(review_events)
            .where(review_events.c.review_id.in_(review_ids))
            .order_by(review_events.c.review_id, review_events.c.version)
        )
        events: defaultdict[str, list[ReviewEvent]] = defaultdict(list)
        for row in self._connection.execute(query):
            events[row.review_id].append(_event(row))
        return events


def _open_reviews_and_measures(account_id: str, steps: Sequence[Row[Any]]) -> OpenReviewsAndMeasures:
    last = {row.review_id: row for row in steps}
    changes = [(row.review_id, _event(row).changes) for row in steps]
    measures = {review_id: change["measures"] for review_id, change in changes if "measures" in change}
    return OpenReviewsAndMeasures(
        tuple(
            OpenReview(review_id, row.typology, Severity(row.severity))
            for review_id, row in last.items()
            if row.status != ReviewStatus.CLOSED
        ),
        tuple(measure for imposed in measures.values() for measure in imposed if measure.account_id == account_id),
    )


def _is_latest() -> Any:
    later = review_events.alias()
    newest = select(func.max(later.c.version)).where(later.c.review_id == review_events.c.review_id).scalar_subquery()
    return review_events.c.version == newest


def _matching(filters: ReviewFilter) -> Select[Any]:
    query = select(reviews)
    # Asked of one review after the other, in the order of the page: not of every event there ever was.
    newest = select(review_events.c.review_id).where(review_events.c.review_id == reviews.c.review_id, _is_latest())
    if filters.status is not None:
        query = query.where(newest.where(review_events.c.status == filters.status.value).exists())
    if filters.waiting:
        query = query.where(newest.where(review_events.c.status != ReviewStatus.CLOSED.value).exists())
    if filters.severity is not None:
        query = query.where(reviews.c.severity == int(filters.severity))
    if filters.typology is not None:
        query = query.where(reviews.c.typology == filters.typology)
    if filters.sampled is not None:
        query = query.where(SAMPLING_METHOD.is_not(None) if filters.sampled else SAMPLING_METHOD.is_(None))
    return query


def _position(first: Column[Any], row: Row[Any]) -> list[Any]:
    return [row._mapping[first], text_of(row.due_at), row.review_id]


def _behind(first: Column[Any], position: Sequence[Any]) -> Any:
    value, due_at, review_id = position[0], moment_of(position[1]), position[2]
    return or_(
        first < value,
        and_(first == value, reviews.c.due_at > due_at),
        and_(first == value, reviews.c.due_at == due_at, reviews.c.review_id > review_id),
    )


def _row(review: Review) -> dict[str, Any]:
    return {
        "review_id": review.review_id,
        "dedup_key": review.dedup_key,
        "opened_at": review.opened_at,
        "due_at": review.due_at,
        "severity": int(review.severity),
        "typology": review.typology,
        "case": review.to_stored(),
        "priority": review.priority,
    }


def _frozen(row: Row[Any]) -> Review:
    return Review.from_stored(row.case, dedup_key=row.dedup_key)


def _event(row: Row[Any]) -> ReviewEvent:
    beside = {"review_id": row.review_id, "version": row.version, "kind": row.kind, "at": row.at, "by": row.done_by}
    return ReviewEvent.from_stored(row.changes, **beside)


def _event_row(event: ReviewEvent, status: ReviewStatus) -> dict[str, Any]:
    return {
        "review_id": event.review_id,
        "version": event.version,
        "kind": event.kind.value,
        "at": event.at,
        "done_by": event.by,
        "status": status.value,
        "changes": event.to_stored(),
    }
