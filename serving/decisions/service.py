"""Decide about requests: read the accounts' states, decide, open a review where a person must look, record, answer."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from features.kernel.errors import Invalid
from serving.decisions.account_status import in_force_now, lookup_of
from serving.decisions.model import Decision, decide
from serving.decisions.request import DecisionRequest
from serving.decisions.reviews import review_of_decision
from serving.decisions.store import DecisionLog, DecisionRecord
from serving.policy.book import Policy
from serving.policy.floors import Unknown
from serving.policy.terms import Degraded
from serving.record.model import AccountState
from serving.reviews.store import ReviewLog
from serving.storage import Database, Transaction
from serving.storage.database import StorageUnavailable

UNREADABLE_STATE = Degraded("account_state", "its stored row cannot be read", "decided without vector and scores")
NOT_RECORDED = Degraded("storage", "the database is locked", "decided by what it says; nothing was recorded")
NO_STORAGE = Degraded("storage", "the database cannot be used", "decided by the request alone; nothing was recorded")

LOCK_TIMEOUT_MS = 200
"""How long a decision waits for another writer."""


class KeyReused(Invalid):
    """The idempotency key was used before, for another request."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request to decide about: who asks with which key, and the id and moment the decision will carry."""

    request: DecisionRequest
    client: str
    idempotency_key: str
    decision_id: str
    decided_at: datetime

    @property
    def client_key(self) -> tuple[str, str]:
        """Identifies a repeated request; a key belongs to its client."""
        return self.client, self.idempotency_key


@dataclass(frozen=True, slots=True)
class DecisionResponse:
    """The answer as it is sent, and the decision behind it; None where an earlier answer is given again."""

    body: bytes
    decision: Decision | None
    is_recorded: bool


Result = DecisionResponse | KeyReused


def answer_all(database: Database, policy: Policy, batch: Sequence[Incoming]) -> list[Result]:
    """The answers to the requests, in their order, all recorded in one transaction.

    While another process holds the write lock, requests are decided by what the database says and not recorded;
    without a usable database by the requests alone. Either way the answer says so, and no money goes out.
    """
    try:
        with database.transaction(LOCK_TIMEOUT_MS) as transaction:
            return _answer(transaction, policy, batch)
    except StorageUnavailable:
        return _answer_unrecorded(database, policy, batch)


def preview(database: Database, policy: Policy, incoming: Incoming) -> DecisionResponse:
    """The whole answer to one request, with nothing stored."""
    try:
        with database.reading() as transaction:
            decision = _decisions(transaction, policy, [incoming])[0]
    except StorageUnavailable:
        decision = _without_storage(policy, incoming)
    return DecisionResponse(orjson.dumps(decision.to_json() | {"recorded": False}), decision, is_recorded=False)


def hash_of_request(request: DecisionRequest) -> str:
    """SHA-256 of what the request means: spacing, the order of keys and 2500.0 for 2500.00 make no other request."""
    return _hash(request.meaning)


def _hash(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _answer(transaction: Transaction, policy: Policy, batch: Sequence[Incoming]) -> list[Result]:
    earlier = DecisionLog(transaction).answered([incoming.client_key for incoming in batch])
    given = {client_key: (record.body_hash, record.sent) for client_key, record in earlier.items()}
    first: dict[tuple[str, str], Incoming] = {}
    for incoming in batch:
        if incoming.client_key not in given:
            first.setdefault(incoming.client_key, incoming)
    fresh = list(first.values())
    pairs = zip(fresh, _decisions(transaction, policy, fresh), strict=True)
    decided = [_with_review(transaction, policy, incoming, decision) for incoming, decision in pairs]
    records = [
        _record(incoming, decision, hash_of_request(incoming.request))
        for incoming, decision in zip(fresh, decided, strict=True)
    ]
    DecisionLog(transaction).append(records)
    given |= {(r.client, r.idempotency_key): (r.body_hash, r.sent) for r in records}
    new = {incoming.decision_id: decision for incoming, decision in zip(fresh, decided, strict=True)}
    return [_result(incoming, *given[incoming.client_key], new.get(incoming.decision_id)) for incoming in batch]


def _answer_unrecorded(database: Database, policy: Policy, batch: Sequence[Incoming]) -> list[Result]:
    try:
        with database.reading() as transaction:
            earlier = DecisionLog(transaction).answered([incoming.client_key for incoming in batch])
            decided = _decisions(transaction, policy, batch)
    except StorageUnavailable:
        return [_unrecorded(_without_storage(policy, incoming)) for incoming in batch]
    answers: list[Result] = []
    for incoming, decision in zip(batch, decided, strict=True):
        record = earlier.get(incoming.client_key)
        if record is not None:
            answers.append(_result(incoming, record.body_hash, record.sent, None))
        else:
            answers.append(_unrecorded(_not_stored(policy, incoming, decision)))
    return answers


def _not_stored(policy: Policy, incoming: Incoming, decision: Decision) -> Decision:
    """The decision where it cannot be recorded: an answer that nobody can prove lets no money out."""
    floor = policy.floors.minimum(Unknown.RECORD, incoming.request.type)
    return _degraded(replace(decision, outcome=max(decision.outcome, floor)), NOT_RECORDED)


def _result(incoming: Incoming, stored_hash: str, answer: Mapping[str, Any], decision: Decision | None) -> Result:
    # An earlier version hashed amounts as they were written.
    if stored_hash not in (hash_of_request(incoming.request), _hash(incoming.request.to_json())):
        return KeyReused(
            f"The Idempotency-Key {incoming.idempotency_key!r} was used for another request; take a new one."
        )
    return DecisionResponse(orjson.dumps({**answer, "recorded": True}), decision, is_recorded=True)


def _decisions(transaction: Transaction, policy: Policy, batch: Sequence[Incoming]) -> list[Decision]:
    lookups = [lookup_of(incoming.request) for incoming in batch]
    now = min((incoming.decided_at for incoming in batch), default=datetime.max.replace(tzinfo=UTC))
    decided = []
    for incoming, account in zip(batch, in_force_now(transaction, lookups, now), strict=True):
        decision = decide(
            incoming.request, account.state, policy, incoming.decision_id, incoming.decided_at, account.is_record_known
        )
        decided.append(_degraded(decision, UNREADABLE_STATE) if account.is_unreadable else decision)
    return decided


def _with_review(transaction: Transaction, policy: Policy, incoming: Incoming, decision: Decision) -> Decision:
    review = review_of_decision(decision, incoming.request, policy)
    if review is None:
        return decision
    in_progress = ReviewLog(transaction).open_reviews_and_measures([decision.account_id]).get(decision.account_id)
    for open_review in in_progress.open_reviews if in_progress else ():
        if open_review.covers(review):
            return replace(decision, review_id=open_review.review_id)
    is_new = ReviewLog(transaction).open(review)
    return replace(decision, review_id=review.review_id if is_new else ReviewLog(transaction).id_of(review.dedup_key))


def _without_storage(policy: Policy, incoming: Incoming) -> Decision:
    request, state = incoming.request, AccountState(incoming.request.account_id)
    decision = decide(request, state, policy, incoming.decision_id, incoming.decided_at, is_record_known=False)
    return _degraded(decision, NO_STORAGE)


def _degraded(decision: Decision, why: Degraded) -> Decision:
    return replace(decision, degraded=(*decision.degraded, why))


def _unrecorded(decision: Decision) -> DecisionResponse:
    return DecisionResponse(orjson.dumps(decision.to_json() | {"recorded": False}), decision, is_recorded=False)


def _record(incoming: Incoming, decision: Decision, body_hash: str) -> DecisionRecord:
    return DecisionRecord(
        decision_id=decision.decision_id,
        account_id=decision.account_id,
        decided_at=decision.decided_at,
        client=incoming.client,
        idempotency_key=incoming.idempotency_key,
        body_hash=body_hash,
        request=incoming.request.to_stored(),
        answer=decision.to_stored(),
        shadow_rules=[rule.to_json() for rule in decision.shadow_rules],
    )
