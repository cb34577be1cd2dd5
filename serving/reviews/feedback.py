"""Closed reviews become labels: what a person found, and from when it was known, so that training may learn from it.

A random sample (`random_samples`) is reviewed for every typology: a cleared one clears the account of each learned
typology that was not confirmed. The confirmed share of the random samples estimates what no rule asks about.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import binomtest

from features.activity.importing import Import
from features.activity.schema import LABELS
from features.home import Home
from features.kernel.progress import Progress
from features.labels import read_labels
from serving.policy.terms import TYPOLOGIES
from serving.reviews.lifecycle import EventKind, ReviewEvent
from serving.reviews.model import Finding, Review, ReviewStatus
from serving.reviews.opening import EPISODE
from serving.reviews.priority import UNKNOWN
from serving.reviews.random_samples import RANDOM_SAMPLE
from serving.reviews.store import ReviewLog
from serving.storage import Database

BY_LISTS = frozenset({"kyc_gate", "restricted_jurisdiction", "sanctions_exposure", "legal_order", "observation_breach"})
"""Typologies that state and lists decide: looking at behaviour neither confirms nor clears them."""
LEARNED = tuple(name for name in TYPOLOGIES if name not in BY_LISTS and name != UNKNOWN)
USUAL_WINDOW = timedelta(days=7)
SAME = ("account_id", "typology", "finding", "known_at", "source")


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """What became of the closed reviews.

    `random_sample` counts the random samples that were confirmed or cleared, `confirmed` the confirmed ones; `share` is
    the confirmed share's 95 % interval as if all had been equally probable, None without any.
    """

    closed: int
    added: int
    lake_version: str | None
    random_sample: int
    confirmed: int
    share: tuple[float, float] | None


def feed_back(database: Database, home: Home, now: datetime, progress: Progress) -> FeedbackReport:
    """Append the labels of all closed reviews that the lake does not have yet; run again it adds nothing."""
    with database.reading() as transaction:
        closed = ReviewLog(transaction).closed()
    before = read_labels(home.lake)
    stored_labels = set(before[list(SAME)].itertuples(index=False, name=None))
    violators = before[before["finding"] == Finding.CONFIRMED.value]
    confirmed = set(violators[["account_id", "typology"]].itertuples(index=False, name=None))
    confirmed |= {
        (account, review.typology)
        for review, _history in closed
        if review.finding is Finding.CONFIRMED
        for account in review.accounts
    }
    labels = [label for review, history in closed for label in _labels_of(review, history, confirmed)]
    fresh = [label for label in labels if tuple(label[name] for name in SAME) not in stored_labels]
    added = _append(fresh, home, now, progress) if fresh else 0
    sample_findings = [review.finding for review, _history in closed if review.selection.get("way") == RANDOM_SAMPLE]
    hits, misses = sample_findings.count(Finding.CONFIRMED), sample_findings.count(Finding.CLEARED)
    interval = binomtest(hits, hits + misses).proportion_ci(method="wilson") if hits + misses else None
    share = (float(interval.low), float(interval.high)) if interval else None
    return FeedbackReport(len(closed), added, home.lake.version, hits + misses, hits, share)


def _append(rows: list[dict[str, Any]], home: Home, now: datetime, progress: Progress) -> int:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "labels.parquet"
        schema = pa.schema([column for column in LABELS.arrow_schema if column.name in rows[0]])
        pq.write_table(pa.Table.from_pylist(rows, schema), file)
        report = Import(home.lake, home.quarantine, now, progress).labels(file)
    return report.tables[LABELS.name].accepted


def _labels_of(
    review: Review, history: Sequence[ReviewEvent], confirmed: set[tuple[str, str]]
) -> Iterator[dict[str, Any]]:
    """One label per account and closing of the review; of a cleared random sample, one per typology."""
    appealed, typology = False, review.typology
    for event in history:
        appealed = appealed or event.changes.get("status") == ReviewStatus.APPEALED
        typology = event.changes.get("typology", typology)
        if event.kind is not EventKind.CLOSED or "finding" not in event.changes:
            continue
        finding = event.changes["finding"]
        for account in review.accounts:
            cleared_of = [name for name in LEARNED if (account, name) not in confirmed]
            for name in cleared_of if review.selection and finding is Finding.CLEARED else (typology,):
                yield {
                    "account_id": account,
                    "typology": name,
                    "finding": finding.value,
                    "onset": _began(review, event) if finding is Finding.CONFIRMED else None,
                    "known_at": event.at,
                    "source": "appeal" if appealed else "review",
                    "event_id": None,
                    "group_id": review.review_id if len(review.accounts) > 1 else None,
                }


def _began(review: Review, closing: ReviewEvent) -> datetime:
    """The first row of an episode; where the case rests on none, or on something else, a week before it was opened.

    A week is the usual window of what rules look at. Rows behind features reach back as far as these do, perhaps to the
    account's first deposit.
    """
    if not review.dedup_key.startswith(EPISODE) or "typology" in closing.changes:
        return review.judged_at - USUAL_WINDOW
    return min((row.ts for row in review.evidence), default=review.judged_at - USUAL_WINDOW)
