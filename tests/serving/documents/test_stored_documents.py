"""Every stored document survives being stored, and what was stored before schema versions reads as it did."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.kernel.errors import Invalid
from features.kernel.stored import SCHEMA_VERSION, Document
from serving.decisions.model import Decision, Versions
from serving.decisions.request import ACTION_TYPES, DecisionRequest
from serving.decisions.store import DecisionRecord
from serving.measures.model import Measure, MeasureState, ProposedMeasure
from serving.policy.terms import Comparison, Degraded, Outcome, RuleHit, Severity
from serving.record.model import AccountState, Reason
from serving.reviews.lifecycle import EventKind, ReviewEvent
from serving.reviews.model import AccountLink, EvidenceRow, Finding, Review, ReviewStatus
from tests.serving.cases import NOW
from tests.serving.record.test_model import states

EVENT = {"review_id": "rev_1", "version": 2, "kind": "decided", "at": NOW, "by": "ria"}

words = st.text(max_size=6)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.dictionaries(words, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | finite | words, max_size=3)
json_values = st.dictionaries(words, finite | words | st.lists(finite, max_size=2), max_size=2)


def few(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Up to two of them."""
    return st.lists(strategy, max_size=2).map(tuple)


hits = st.builds(
    RuleHit,
    rule_id=words,
    version=words,
    clause=words,
    title=words,
    typology=words,
    severity=st.sampled_from(Severity),
    outcome=st.sampled_from(Outcome),
    values=values,
    thresholds=values,
    clauses=few(words),
    clause_detail=st.none() | words,
    says=words,
    comparisons=st.dictionaries(words, st.builds(Comparison, words, st.none() | words), max_size=2),
)
measures = st.builds(
    Measure,
    measure_id=words,
    measure=words,
    account_id=words,
    clause=words,
    scope=words,
    starts_at=moments,
    decided_by=words,
    state=st.sampled_from(MeasureState),
    ends_at=st.none() | moments,
)
reviews = st.builds(
    Review,
    review_id=words,
    dedup_key=words,
    opened_at=moments,
    severity=st.sampled_from(Severity),
    typology=words,
    clauses=few(words),
    accounts=few(words),
    title=words,
    summary=words,
    coordinated=st.booleans(),
    rules=few(hits),
    scores=json_values,
    evidence=few(st.builds(EvidenceRow, words, words, moments, words)),
    evidence_counts=st.dictionaries(words, st.integers(0, 99), max_size=2),
    proposed_measures=few(
        st.builds(ProposedMeasure, words, few(words), st.none() | st.integers(1, 180), st.none() | words)
    ),
    links=few(st.builds(AccountLink, words, words, words, finite, words)),
    explanation=json_values,
    explanations=json_values,
    selection=json_values,
    priority=finite,
    version=st.integers(1, 9),
    status=st.sampled_from(ReviewStatus),
    finding=st.none() | st.sampled_from(Finding),
    measures=few(measures),
    assigned_to=st.none() | words,
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(ReviewStatus),
        "finding": st.sampled_from(Finding),
        "typology": words,
        "assigned_to": st.none() | words,
        "measures": few(measures),
    },
)
events = st.builds(ReviewEvent, words, st.integers(1, 9), st.sampled_from(EventKind), moments, words, changes)
decisions = st.builds(
    Decision,
    decision_id=words,
    account_id=words,
    outcome=st.sampled_from(Outcome),
    severity=st.sampled_from(Severity),
    reasons=few(st.builds(Reason, words, words, st.none() | words.filter(bool))),
    rules=few(hits),
    scores=states.map(lambda state: state.scores),
    measures=few(measures),
    as_of=st.none() | moments,
    decided_at=moments,
    degraded=few(st.builds(Degraded, words, words, words)),
    versions=st.builds(Versions, st.none() | words, words, st.dictionaries(words, words, max_size=2)),
    review_id=st.none() | words,
    shadow_rules=few(hits),
)
amounts = st.none() | st.decimals(0, 10**12, places=6)
requests = st.builds(
    DecisionRequest,
    account_id=words,
    type=st.sampled_from(ACTION_TYPES),
    occurred_at=moments,
    amount_usd=amounts,
    price=amounts,
    quantity=amounts,
    asset=st.none() | words,
    address=st.none() | words,
    ip=st.none() | words,
)


def as_stored(document: Document) -> dict[str, Any]:
    """The document as it comes back from a database."""
    record: dict[str, Any] = orjson.loads(orjson.dumps(document.to_stored()))
    return record


def before_versions(name: str) -> dict[str, Any]:
    """A document as it was stored before documents had a version."""
    record: dict[str, Any] = json.loads(Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8"))
    return record


@given(reviews)
def test_a_review_survives_being_stored(review: Review) -> None:
    assert Review.from_stored(as_stored(review), dedup_key=review.dedup_key) == review


@given(events)
def test_an_event_survives_being_stored(event: ReviewEvent) -> None:
    beside = {name: getattr(event, name) for name in EVENT}
    assert ReviewEvent.from_stored(as_stored(event), **beside) == event


@given(states)
def test_a_state_survives_being_stored(state: AccountState) -> None:
    assert AccountState.from_stored(as_stored(state)) == state


@given(requests)
def test_a_request_survives_being_stored(request: DecisionRequest) -> None:
    assert DecisionRequest.from_stored(as_stored(request)) == request


@given(decisions)
def test_a_decision_is_told_after_being_stored_as_it_was_before(decision: Decision) -> None:
    again = Decision.from_stored(as_stored(decision), shadow_rules=decision.shadow_rules)
    assert again.to_json() == decision.to_json()
    assert replace(again, rules=decision.rules) == decision, "only money in the values of rules is text from then on"


def test_a_review_from_before_versions_is_told_as_it_was() -> None:
    record = before_versions("review")
    review = Review.from_stored(record, dedup_key="k")
    assert review.to_json() == record
    assert len(review.links) == 16
    assert as_stored(review)[SCHEMA_VERSION] == 1


def test_an_event_from_before_versions_is_told_as_it_was() -> None:
    record = before_versions("review_event")
    event = ReviewEvent.from_stored(record, **EVENT)
    assert event.to_json() == {"changes": record}
    assert [measure.state for measure in event.changes["measures"]] == [MeasureState.IN_FORCE, MeasureState.LIFTED]


def test_a_state_from_before_versions_is_told_as_it_was() -> None:
    record = before_versions("account_state")
    assert AccountState.from_stored(record).to_json() == record


def test_a_state_from_before_versions_may_lack_its_parts() -> None:
    lacking = {"account_id": "a", "as_of": None, "scores": None, "facts": {"addresses_added": None}, "models": None}
    assert AccountState.from_stored(lacking) == AccountState("a")


def test_a_decision_from_before_versions_is_told_as_it_was() -> None:
    stored = before_versions("decision")
    record = DecisionRecord("dec_0001", "A", NOW, "key1", "once", "0" * 64, **stored)
    assert record.sent == record.decision.to_json() == stored["answer"]
    request = DecisionRequest.from_stored(stored["request"])
    assert request.to_json() == stored["request"]
    assert request.amount_usd == Decimal("60000.50")


@pytest.mark.parametrize("kind", [Review, ReviewEvent, AccountState, Decision, DecisionRequest])
def test_what_a_newer_mscore_stored_is_refused_with_both_versions(kind: type[Document]) -> None:
    newer = len(kind.upgrades) + 1
    with pytest.raises(Invalid, match=f"A stored {kind.__name__} has schema version {newer}, .* up to {newer - 1}; "):
        kind.from_stored({SCHEMA_VERSION: newer})
