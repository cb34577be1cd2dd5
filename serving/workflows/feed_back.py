"""Closed reviews become labels: what a person found, and from when it was known, so that training may learn from it.

A case that was drawn (`workflows.explore`) was looked at for everything: cleared, it clears the account of each
typology; and of those drawn by lot from all active accounts, the share confirmed estimates how many of all violate.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import binomtest

from features.activity.importing import Import
from features.activity.schema import LABELS
from features.errors import Conflict, Invalid
from features.home import Home
from features.labels import labels
from serving.policy.terms import TYPOLOGIES
from serving.reviews.case import Finding, Review, ReviewStatus
from serving.reviews.lifecycle import EventKind, ReviewEvent
from serving.storage import Database
from serving.workflows.build_reviews import UNKNOWN

BY_LOT = "random"
SAME = ("account_id", "typology", "finding", "known_at", "source")

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """What became of the closed reviews.

    `by_lot` counts the closed reviews drawn from all active accounts and `confirmed` those of them confirmed; `share`
    is the confirmed share's 95 % interval, None without any.
    """

    closed: int
    added: int
    lake_version: str | None
    by_lot: int
    confirmed: int
    share: tuple[float, float] | None


def close_review(
    database: Database, review_id: str, finding: Finding, by: str, now: datetime, typology: str | None = None
) -> Review:
    """Close a review with what was found; gives back the review as it stands.

    Args:
        typology: of what the account is guilty, where that is not what the case was opened for.

    Raises:
        NotFound: there is no such review.
        Conflict: it is closed already.
        Invalid: there is no such typology, or a drawn case is confirmed and nobody says of what.
    """
    if typology is not None and typology not in TYPOLOGIES:
        raise Invalid(f"There is no typology {typology!r}; the typologies are {', '.join(TYPOLOGIES)}.")
    with database.transaction() as transaction:
        review = transaction.reviews.get(review_id)
        if review.status is ReviewStatus.CLOSED:
            raise Conflict(f"Review {review_id} is closed already, as {review.finding}.")
        if finding is Finding.CONFIRMED and (typology or review.typology) == UNKNOWN:
            raise Invalid(
                f"Review {review_id} was opened for nothing in particular; say with a typology what was found."
            )
        changes = {"status": ReviewStatus.CLOSED.value, "finding": finding.value}
        named = {"typology": typology} if typology else {}
        event = ReviewEvent(review_id, review.version + 1, EventKind.CLOSED, now, by, changes | named)
        transaction.reviews.record(event)
        return transaction.reviews.get(review_id)


def feed_back(database: Database, home: Home, now: datetime, progress: Progress) -> FeedbackReport:
    """Append the labels of all closed reviews that the lake does not have yet; run again it adds nothing."""
    with database.reading() as transaction:
        closed = transaction.reviews.closed()
    known = set(labels(home.lake)[list(SAME)].itertuples(index=False, name=None))
    found = [label for review, history in closed for label in _labels_of(review, history)]
    fresh = [label for label in found if tuple(label[name] for name in SAME) not in known]
    added = _append(fresh, home, now, progress) if fresh else 0
    drawn = [review.finding for review, _history in closed if review.selection.get("way") == BY_LOT]
    guilty = sum(finding is Finding.CONFIRMED for finding in drawn)
    interval = binomtest(guilty, len(drawn)).proportion_ci(method="wilson") if drawn else None
    share = (float(interval.low), float(interval.high)) if interval else None
    return FeedbackReport(len(closed), added, home.lake.version, len(drawn), guilty, share)


def _append(rows: list[dict[str, Any]], home: Home, now: datetime, progress: Progress) -> int:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "labels.parquet"
        schema = pa.schema([column for column in LABELS.arrow_schema if column.name in rows[0]])
        pq.write_table(pa.Table.from_pylist(rows, schema), file)
        report = Import(home.lake, home.quarantine, now, progress).labels(file)
    return report.tables[LABELS.name].accepted


def _labels_of(review: Review, history: Sequence[ReviewEvent]) -> Iterator[dict[str, Any]]:
    """One label an account; of a drawn case that was cleared, one a typology."""
    appealed = any(event.changes.get("status") == ReviewStatus.APPEALED for event in history)
    began = min((row.ts for row in review.evidence), default=review.opened_at)
    everything = bool(review.selection) and review.finding is not Finding.CONFIRMED
    for account in review.accounts:
        for typology in TYPOLOGIES if everything else (review.typology,):
            yield {
                "account_id": account,
                "typology": typology,
                "finding": str(review.finding),
                "onset": began if review.finding is Finding.CONFIRMED else None,
                "known_at": history[-1].at,
                "source": "appeal" if appealed else "review",
                "event_id": None,
                "group_id": review.review_id if len(review.accounts) > 1 else None,
            }
