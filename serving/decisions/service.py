"""Decide about requests: read the accounts' states, decide, open a review where a person must look, record, answer."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from features.kernel.errors import Invalid
from serving.decisions.model import Decision, decide
from serving.decisions.request import DecisionRequest
from serving.decisions.reviews import review_of_decision
from serving.decisions.store import DecisionLog, DecisionRecord
from serving.policy.book import Policy
from serving.policy.terms import Degraded
from serving.record.model import AccountState
from serving.record.store import AccountStates
from serving.reviews.store import Bearing, ReviewLog
from serving.storage import Database, Transaction
from serving.storage.database import StorageUnavailable

UNREADABLE_STATE = Degraded("account_state", "its stored row cannot be read", "decided without vector and scores")
NO_STORAGE = Degraded("storage", "the database cannot be used", "decided by the request alone; nothing was recorded")


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
    def question(self) -> tuple[str, str]:
        """What a repeated request is recognised by; a key belongs to its client."""
        return self.client, self.idempotency_key


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer as it is sent, and the decision behind it; None where an earlier answer is given again."""

    body: bytes
    decision: Decision | None
    is_recorded: bool


Result = Answered | KeyReused


def answer_all(database: Database, policy: Policy, incoming: Sequence[Incoming]) -> list[Result]:
    """The answers to the requests, in their order, all recorded in one transaction.

    Without a usable database each request is still decided, says so in `degraded`, and is not recorded.
    """
    try:
        with database.transaction() as transaction:
            return _answer(transaction, policy, incoming)
    except StorageUnavailable:
        return [_unrecorded(_without_storage(policy, one)) for one in incoming]


def preview(database: Database, policy: Policy, incoming: Incoming) -> Answered:
    """The whole answer to one request, with nothing stored."""
    try:
        with database.reading() as transaction:
            return _unrecorded(_decisions(transaction, policy, [incoming])[0])
    except StorageUnavailable:
        return _unrecorded(_without_storage(policy, incoming))


def hash_of_request(request: DecisionRequest) -> str:
    """SHA-256 of the request in its canonical form, so that spacing and key order make no other request."""
    return hashlib.sha256(orjson.dumps(request.to_json(), option=orjson.OPT_SORT_KEYS)).hexdigest()


def _answer(transaction: Transaction, policy: Policy, incoming: Sequence[Incoming]) -> list[Result]:
    earlier = DecisionLog(transaction).answered([one.question for one in incoming])
    hashes = {one.decision_id: hash_of_request(one.request) for one in incoming}
    given = {question: (record.body_hash, record.sent) for question, record in earlier.items()}
    first: dict[tuple[str, str], Incoming] = {}
    for one in incoming:
        if one.question not in given:
            first.setdefault(one.question, one)
    fresh = list(first.values())
    pairs = zip(fresh, _decisions(transaction, policy, fresh), strict=True)
    decided = [_with_review(transaction, policy, one, decision) for one, decision in pairs]
    records = [_record(one, decision, hashes[one.decision_id]) for one, decision in zip(fresh, decided, strict=True)]
    DecisionLog(transaction).append(records)
    given |= {(r.client, r.idempotency_key): (r.body_hash, r.sent) for r in records}
    new = {one.decision_id: decision for one, decision in zip(fresh, decided, strict=True)}
    return [_result(one, hashes[one.decision_id], *given[one.question], new.get(one.decision_id)) for one in incoming]


def _result(one: Incoming, asked: str, answered: str, answer: object, decision: Decision | None) -> Result:
    if asked != answered:
        return KeyReused(f"The Idempotency-Key {one.idempotency_key!r} was used for another request; take a new one.")
    return Answered(orjson.dumps(answer), decision, is_recorded=True)


def _decisions(transaction: Transaction, policy: Policy, incoming: Sequence[Incoming]) -> list[Decision]:
    accounts = [one.request.account_id for one in incoming]
    states = AccountStates(transaction).find(accounts)
    bearings = ReviewLog(transaction).bearing_on(accounts)
    decided = []
    for one, account_id in zip(incoming, accounts, strict=True):
        state = _in_force_now(account_id, states.get(account_id), bearings.get(account_id))
        decision = decide(one.request, state, policy, one.decision_id, one.decided_at)
        is_unreadable = account_id in states and states[account_id] is None
        decided.append(_degraded(decision, UNREADABLE_STATE) if is_unreadable else decision)
    return decided


def _in_force_now(account_id: str, state: AccountState | None, bearing: Bearing | None) -> AccountState:
    """The state with the reviews and measures of this moment: they bind at once and do not wait for a scoring."""
    known = state or AccountState(account_id)
    if bearing is None:
        return known
    measures = {measure.measure_id: measure for measure in (*known.measures, *bearing.measures)}
    return replace(
        known, reviews=tuple(one.review_id for one in bearing.open_reviews), measures=tuple(measures.values())
    )


def _with_review(transaction: Transaction, policy: Policy, one: Incoming, decision: Decision) -> Decision:
    review = review_of_decision(decision, one.request, policy)
    if review is None:
        return decision
    bearing = ReviewLog(transaction).bearing_on([decision.account_id]).get(decision.account_id)
    for known in bearing.open_reviews if bearing else ():
        if known.covers(review):
            return replace(decision, review_id=known.review_id)
    is_new = ReviewLog(transaction).open(review)
    return replace(decision, review_id=review.review_id if is_new else ReviewLog(transaction).id_of(review.dedup_key))


def _without_storage(policy: Policy, one: Incoming) -> Decision:
    state = AccountState(one.request.account_id)
    return _degraded(decide(one.request, state, policy, one.decision_id, one.decided_at), NO_STORAGE)


def _degraded(decision: Decision, why: Degraded) -> Decision:
    return replace(decision, degraded=(*decision.degraded, why))


def _unrecorded(decision: Decision) -> Answered:
    return Answered(orjson.dumps(decision.to_json()), decision, is_recorded=False)


def _record(one: Incoming, decision: Decision, body_hash: str) -> DecisionRecord:
    return DecisionRecord(
        decision_id=decision.decision_id,
        account_id=decision.account_id,
        decided_at=decision.decided_at,
        client=one.client,
        idempotency_key=one.idempotency_key,
        body_hash=body_hash,
        request=one.request.to_stored(),
        answer=decision.to_stored(),
        shadow_rules=[rule.to_json() for rule in decision.shadow_rules],
    )
