"""Tests of the review and its JSON form."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from serving.measures.model import Measure, MeasureState
from serving.policy.terms import Severity
from serving.reviews.deadlines import DECIDE_WITHIN
from serving.reviews.model import Finding, Review, ReviewStatus
from tests.serving.cases import NOW, plain_review, ring_review, spoofing_review

CONTRACT = {
    "review_id",
    "version",
    "opened_at",
    "status",
    "severity",
    "typology",
    "clauses",
    "accounts",
    "coordinated",
    "rules",
    "scores",
    "evidence",
    "proposed_measures",
    "measures",
    "due_at",
    "explanation",
}
MEASURE = Measure("m1", "close_only", "A1", "7.1", "FLOCKUSDT", NOW, "ria", MeasureState.IN_FORCE)


@pytest.mark.parametrize("review", [ring_review(), spoofing_review(), plain_review("p")], ids=lambda r: str(r.typology))
def test_a_review_survives_being_written_as_json(review: Review) -> None:
    written = orjson.loads(orjson.dumps(review.to_stored()))
    assert Review.from_stored(written, dedup_key=review.dedup_key) == review


def test_the_json_has_the_keys_of_the_contract_and_only_allowed_ones_beside() -> None:
    record = ring_review().to_json()
    assert (
        set(record) - {"title", "summary", "links", "explanations", "evidence_counts", "selection", "priority"}
        == CONTRACT
    )
    decided = replace(ring_review(), finding=Finding.CONFIRMED, assigned_to="ria", status=ReviewStatus.DECIDED)
    assert set(decided.to_json()) - set(record) == {"finding", "assigned_to"}


def test_rules_evidence_proposals_and_links_have_the_keys_of_the_contract() -> None:
    record = ring_review().to_json()
    rule = {"rule_id", "version", "clause", "title", "typology", "severity", "outcome", "values", "thresholds"}
    assert rule <= set(record["rules"][0])
    assert set(record["evidence"][0]) == {"table", "id", "ts", "text"}
    assert set(record["links"][0]) == {"a", "b", "kind", "weight", "text"}
    assert [set(proposed) for proposed in record["proposed_measures"]] == [
        {"measure", "accounts", "days", "scope"},
        {"measure", "accounts"},
        {"measure", "accounts", "days"},
    ]


def test_a_measure_without_an_end_has_none_in_json() -> None:
    assert "ends_at" not in MEASURE.to_json()
    limited = replace(MEASURE, ends_at=NOW + timedelta(days=7))
    assert Measure.from_json(limited.to_json()) == limited
    assert Measure.from_json(MEASURE.to_json()) == MEASURE


def test_a_review_is_due_by_its_severity() -> None:
    hours = {severity.word: span.total_seconds() / 3600 for severity, span in DECIDE_WITHIN.items()}
    assert (hours["legal"], hours["critical"], hours["high"], hours["medium"]) == (1, 4, 24, 72)
    assert set(DECIDE_WITHIN) == set(Severity)
    assert plain_review("p", Severity.HIGH, NOW).due_at == NOW + timedelta(hours=24)
