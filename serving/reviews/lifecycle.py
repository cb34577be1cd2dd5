"""How a review moves on: its append-only events, and the review as it stands after them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from features.kernel.stored import BESIDE, Document, Moment, Upgrade
from serving.measures.model import Measure
from serving.reviews.model import Finding, Review, ReviewStatus


class EventKind(StrEnum):
    """What may happen to a review."""

    OPENED = "opened"
    ASSIGNED = "assigned"
    DECIDED = "decided"
    CLOSED = "closed"


@with_config(ConfigDict(extra="forbid"))
class Changes(TypedDict, total=False):
    """The new value of each field of a review that changed."""

    status: ReviewStatus
    finding: Finding
    typology: str
    assigned_to: str | None
    measures: tuple[Measure, ...]


def below_their_name(changes: dict[str, Any]) -> dict[str, Any]:
    """Version 0 stored the changes alone."""
    return {"changes": changes}


@dataclass(frozen=True, slots=True)
class ReviewEvent(Document):
    """One step of a review: `version` counts from 1, `changes` holds the new value of each field that changed."""

    upgrades: ClassVar[Mapping[int, Upgrade]] = {0: below_their_name}

    review_id: Annotated[str, BESIDE]
    version: Annotated[int, BESIDE]
    kind: Annotated[EventKind, BESIDE]
    at: Annotated[Moment, BESIDE]
    by: Annotated[str, BESIDE]
    changes: Changes = field(default_factory=Changes)


def opening(review: Review, by: str) -> ReviewEvent:
    """The first event of a review."""
    return ReviewEvent(review.review_id, 1, EventKind.OPENED, review.opened_at, by, {"status": ReviewStatus.OPEN})


def apply_events(frozen: Review, events: Iterable[ReviewEvent]) -> Review:
    """The review after its events, given in the order of their versions."""
    review = frozen
    for event in events:
        changes = event.changes
        review = replace(
            review,
            version=event.version,
            status=changes.get("status", review.status),
            finding=changes.get("finding", review.finding),
            typology=changes.get("typology", review.typology),
            assigned_to=changes.get("assigned_to", review.assigned_to),
            measures=changes.get("measures", review.measures),
        )
    return review
