"""Closing a review with what was found."""

from datetime import datetime

from features.kernel.errors import Conflict, Invalid
from serving.measures.service import end_those_of
from serving.policy.terms import TYPOLOGIES
from serving.reviews.lifecycle import Changes, EventKind, ReviewEvent
from serving.reviews.model import Finding, Review, ReviewStatus
from serving.reviews.priority import UNKNOWN
from serving.reviews.store import ReviewLog
from serving.storage import Database


def close_review(
    database: Database, review_id: str, finding: Finding, by: str, now: datetime, typology: str | None = None
) -> Review:
    """Close a review with what was found; gives back the review as it stands.

    What rules had started for a case that is cleared ends at once.

    Args:
        typology: the confirmed typology, where the case was opened for another one.

    Raises:
        NotFound: there is no such review.
        Conflict: it is closed already, or appealed and closed by the same person before.
        Invalid: the typology is unknown or given for a case that is not confirmed, or a random sample is confirmed and
            nobody says of what.
    """
    if typology is not None and typology not in TYPOLOGIES:
        raise Invalid(f"There is no typology {typology!r}; the typologies are {', '.join(TYPOLOGIES)}.")
    if typology is not None and finding is not Finding.CONFIRMED:
        raise Invalid("A typology is named for a confirmed case only; what is cleared is what the case was opened for.")
    with database.transaction() as transaction:
        review = ReviewLog(transaction).get(review_id)
        if review.status is ReviewStatus.CLOSED:
            raise Conflict(f"Review {review_id} is closed already, as {review.finding}.")
        before = [event.by for event in ReviewLog(transaction).history(review_id) if event.kind is EventKind.CLOSED]
        if by in before:
            raise Conflict(f"{by} closed review {review_id} before; an appeal is for another person to decide.")
        if finding is Finding.CONFIRMED and (typology or review.typology) == UNKNOWN:
            raise Invalid(
                f"Review {review_id} was opened for nothing in particular; say with a typology what was found."
            )
        changes = Changes(status=ReviewStatus.CLOSED, finding=finding)
        if typology:
            changes["typology"] = typology
        event = ReviewEvent(review_id, review.version + 1, EventKind.CLOSED, now, by, changes)
        ReviewLog(transaction).record(event)
        if finding is Finding.CLEARED:
            end_those_of(transaction, review_id, by, now)
        return ReviewLog(transaction).get(review_id)
