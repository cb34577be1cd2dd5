"""Tests of a review's events."""

from datetime import timedelta

from serving.measures.model import Measure, MeasureState
from serving.reviews.lifecycle import EventKind, ReviewEvent, apply_events, opening
from serving.reviews.model import Finding, ReviewStatus
from tests.serving.cases import NOW, plain_review


def test_an_opened_review_stands_as_it_was_frozen() -> None:
    review = plain_review("p")
    assert apply_events(review, [opening(review, "system")]) == review


def test_each_event_changes_what_it_names_and_nothing_else() -> None:
    review = plain_review("p")
    measure = Measure("m", "observation", "A-p", "7.3.1", "account", NOW, "ria", MeasureState.IN_FORCE)
    events = [
        opening(review, "system"),
        ReviewEvent("p", 2, EventKind.ASSIGNED, NOW, "ria", {"status": ReviewStatus.ASSIGNED, "assigned_to": "ria"}),
        ReviewEvent(
            "p",
            3,
            EventKind.DECIDED,
            NOW + timedelta(hours=1),
            "ria",
            {"status": ReviewStatus.DECIDED, "finding": Finding.CONFIRMED, "measures": (measure,)},
        ),
    ]
    assigned, decided = apply_events(review, events[:2]), apply_events(review, events)
    assert (assigned.version, assigned.status, assigned.assigned_to, assigned.finding) == (2, "assigned", "ria", None)
    assert (decided.version, decided.status, decided.assigned_to) == (3, ReviewStatus.DECIDED, "ria")
    assert (decided.finding, decided.measures) == (Finding.CONFIRMED, (measure,))
    assert decided.rules == review.rules
