"""How a review moves on: its append-only events, and the review as it stands after them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from serving.measures.model import Measure
from serving.reviews.model import Finding, Review, ReviewStatus


class EventKind(StrEnum):
    """What may happen to a review."""

    OPENED = "opened"
    ASSIGNED = "assigned"
    DECIDED = "decided"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ReviewEvent:
    """One step of a review: `version` counts from 1, `changes` holds the new value of each field that changed.

    The fields that may change are `status`, `finding`, `typology`, `assigned_to` and `measures`, in their JSON form.
    """

    review_id: str
    version: int
    kind: EventKind
    at: datetime
    by: str
    changes: Mapping[str, Any] = field(default_factory=dict)


def opening(review: Review, by: str) -> ReviewEvent:
    """The first event of a review."""
    return ReviewEvent(review.review_id, 1, EventKind.OPENED, review.opened_at, by, {"status": ReviewStatus.OPEN.value})


def standing(frozen: Review, events: Iterable[ReviewEvent]) -> Review:
    """The review as it stands after its events, given in the order of their versions."""
    review = frozen
    for event in events:
        changes = event.changes
        finding, measures = changes.get("finding"), changes.get("measures")
        review = replace(
            review,
            version=event.version,
            status=ReviewStatus(changes["status"]) if "status" in changes else review.status,
            finding=Finding(finding) if finding else review.finding,
            typology=changes.get("typology", review.typology),
            assigned_to=changes.get("assigned_to", review.assigned_to),
            measures=review.measures if measures is None else tuple(Measure.from_json(row) for row in measures),
        )
    return review
