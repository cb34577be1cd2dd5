"""Tests of reviews in the database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from features.kernel.errors import Invalid, NotFound
from serving.measures.model import Measure, MeasureState
from serving.policy.terms import SAMPLED, Severity
from serving.reviews.lifecycle import Changes, EventKind, ReviewEvent
from serving.reviews.model import Finding, Review, ReviewStatus
from serving.reviews.store import OpenReview, OpenReviewsAndMeasures, QueueOrder, ReviewFilter, ReviewLog, StaleReview
from serving.storage import Database
from serving.storage.paging import BadPageToken
from tests.serving.cases import NOW, RING, drawn_review, plain_review, ring_review, spoofing_review

SEVERITIES = (Severity.MEDIUM, Severity.LEGAL, Severity.HIGH)


def fill(database: Database, count: int) -> list[Review]:
    """Opens reviews of several severities; gives them in the order of the queue."""
    made = [plain_review(f"r{n:03}", SEVERITIES[n % 3], NOW - timedelta(minutes=n // 6)) for n in range(count)]
    with database.transaction() as transaction:
        for review in made:
            assert ReviewLog(transaction).open(review)
    return sorted(made, key=lambda review: (-review.severity, review.due_at, review.review_id))


def test_a_stored_review_comes_back_as_it_was(database: Database) -> None:
    with database.transaction() as transaction:
        assert ReviewLog(transaction).open(ring_review())
    with database.reading() as transaction:
        assert ReviewLog(transaction).get("rev_flock") == ring_review()
        assert [event.kind for event in ReviewLog(transaction).history("rev_flock")] == [EventKind.OPENED]


def test_the_same_suspicion_opens_no_second_review(database: Database) -> None:
    again = ring_review("rev_again")
    with database.transaction() as transaction:
        assert ReviewLog(transaction).open(ring_review())
        assert not ReviewLog(transaction).open(Review.from_stored(again.to_stored(), dedup_key=ring_review().dedup_key))
        assert ReviewLog(transaction).id_of(ring_review().dedup_key) == "rev_flock"
        assert len(ReviewLog(transaction).list().rows) == 1


def test_an_unknown_review_is_not_found(database: Database) -> None:
    with database.reading() as transaction, pytest.raises(NotFound, match="no review 'x'"):
        ReviewLog(transaction).get("x")


@pytest.mark.parametrize("page_size", [1, 4, 7, 200, 1000])
def test_pages_give_every_review_once_in_the_order_of_the_queue(database: Database, page_size: int) -> None:
    expected = [review.review_id for review in fill(database, 20)]
    found: list[str] = []
    token = None
    with database.reading() as transaction:
        while True:
            page = ReviewLog(transaction).list(page_size=page_size, page_token=token)
            found += [review.review_id for review in page.rows]
            token = page.next_page_token
            if token is None:
                break
    assert found == expected


def test_the_queue_by_priority_puts_the_most_harm_a_minute_first(database: Database) -> None:
    ranked = [replace(ring_review(), priority=0.5), replace(spoofing_review(), priority=0.1 + 0.2)]
    made = [*fill(database, 5), *ranked]
    filters = ReviewFilter(order=QueueOrder.PRIORITY)
    found: list[str] = []
    token = None
    with database.transaction() as transaction:
        for review in made[5:]:
            ReviewLog(transaction).open(review)
        while True:
            page = ReviewLog(transaction).list(filters, 2, token)
            found += [review.review_id for review in page.rows]
            token = page.next_page_token
            if token is None:
                break
    expected = sorted(made, key=lambda review: (-review.priority, review.due_at, review.review_id))
    assert found == [review.review_id for review in expected]
    assert found[:2] == ["rev_flock", "rev_spoof"]


def test_a_page_is_never_longer_than_two_hundred(database: Database) -> None:
    fill(database, 203)
    with database.reading() as transaction:
        page = ReviewLog(transaction).list(page_size=10_000)
        assert len(page.rows) == 200
        assert page.next_page_token is not None
        assert len(ReviewLog(transaction).list().rows) == 50


def test_a_token_serves_only_the_question_it_was_made_for(database: Database) -> None:
    fill(database, 9)
    filters = ReviewFilter(severity=Severity.HIGH)
    with database.reading() as transaction:
        token = ReviewLog(transaction).list(filters, page_size=1).next_page_token
        assert token is not None
        assert len(ReviewLog(transaction).list(filters, page_size=9, page_token=token).rows) == 2
        for other in (
            None,
            replace(filters, order=QueueOrder.PRIORITY),
            replace(filters, sampled=False),
            ReviewFilter(severity=Severity.LEGAL),
            ReviewFilter(typology="spoofing"),
        ):
            with pytest.raises(BadPageToken, match="other parameters"):
                ReviewLog(transaction).list(other, page_size=1, page_token=token)
        for damaged in ("", "x", token[:-3], "e30", "ä", "W10"):
            with pytest.raises(Invalid):
                ReviewLog(transaction).list(filters, page_size=1, page_token=damaged)


def test_filters_choose_by_status_severity_and_typology(database: Database) -> None:
    with database.transaction() as transaction:
        for review in (ring_review(), spoofing_review(), plain_review("p")):
            ReviewLog(transaction).open(review)
        event = ReviewEvent("rev_spoof", 2, EventKind.ASSIGNED, NOW, "ria", {"status": ReviewStatus.ASSIGNED})
        ReviewLog(transaction).record(event)

        def found(**filters: object) -> set[str]:
            page = ReviewLog(transaction).list(ReviewFilter(**filters))  # type: ignore[arg-type]
            return {review.review_id for review in page.rows}

        assert found() == {"rev_flock", "rev_spoof", "p"}
        assert found(status=ReviewStatus.ASSIGNED) == {"rev_spoof"}
        assert found(status=ReviewStatus.OPEN) == {"rev_flock", "p"}
        assert found(status=ReviewStatus.OPEN, severity=Severity.CRITICAL) == {"rev_flock"}
        assert found(typology="unknown_anomaly") == {"p"}
        closed = Changes(status=ReviewStatus.CLOSED, finding=Finding.CLEARED)
        ReviewLog(transaction).record(ReviewEvent("p", 2, EventKind.CLOSED, NOW, "ria", closed))
        assert found(waiting=True) == {"rev_flock", "rev_spoof"}
        ReviewLog(transaction).open(drawn_review("lot"))
        assert found(sampled=True) == {"lot"}
        assert found(sampled=False) == {"rev_flock", "rev_spoof", "p"}
        with pytest.raises(Invalid, match="cannot be combined"):
            found(waiting=True, status=ReviewStatus.CLOSED)
        assert ReviewLog(transaction).count_by_status() == {"open": 2, "assigned": 1, "closed": 1}


def test_reviews_of_a_day_are_counted_by_kind_and_draws_apart(database: Database) -> None:
    with database.transaction() as transaction:
        for review in (plain_review("p"), drawn_review("lot"), drawn_review("other lot")):
            ReviewLog(transaction).open(review)
        day = plain_review("p").opened_at.date()
        assert ReviewLog(transaction).opened_by_day(7) == [(day, SAMPLED, 2), (day, "unknown_anomaly", 1)]


def test_a_stale_event_is_refused_and_says_what_changed(database: Database) -> None:
    with database.transaction() as transaction:
        ReviewLog(transaction).open(ring_review())
        event = ReviewEvent(
            "rev_flock", 2, EventKind.ASSIGNED, NOW, "ria", {"status": ReviewStatus.ASSIGNED, "assigned_to": "ria"}
        )
        ReviewLog(transaction).record(event)
        with pytest.raises(StaleReview, match=r"version 2 \(assigned by ria"):
            ReviewLog(transaction).record(event)
        with pytest.raises(NotFound):
            ReviewLog(transaction).record(ReviewEvent("none", 2, EventKind.CLOSED, NOW, "ria"))
        assert ReviewLog(transaction).get("rev_flock").assigned_to == "ria"


def test_what_reviews_say_about_an_account_is_its_open_ones_and_its_own_measures(database: Database) -> None:
    own, other = (
        Measure(f"m{n}", "close_only", account, "7.1", "all", NOW, "ria", MeasureState.IN_FORCE)
        for n, account in enumerate((RING[0], RING[1]))
    )
    decided = Changes(status=ReviewStatus.DECIDED, measures=(own, other))
    with database.transaction() as transaction:
        ReviewLog(transaction).open(ring_review())
        ReviewLog(transaction).record(ReviewEvent("rev_flock", 2, EventKind.DECIDED, NOW, "ria", decided))
        assert ReviewLog(transaction).open_reviews_and_measures([RING[0], "nobody"]) == {
            RING[0]: OpenReviewsAndMeasures(
                (OpenReview("rev_flock", "position_limit_evasion", Severity.CRITICAL),), (own,)
            )
        }
        ReviewLog(transaction).record(
            ReviewEvent("rev_flock", 3, EventKind.CLOSED, NOW, "ria", {"status": ReviewStatus.CLOSED})
        )
        assert ReviewLog(transaction).open_reviews_and_measures([RING[0]]) == {
            RING[0]: OpenReviewsAndMeasures((), (own,))
        }
