"""What is known of accounts now: vector and scores, what the record says, reviews and measures of the desk."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from features.activity.identifiers import comparable, spelt
from serving.decisions.request import DecisionRequest
from serving.measures.model import Measure
from serving.measures.service import running
from serving.record.known import AccountRecord, Lookup, Record
from serving.record.model import AccountState
from serving.record.service import RECORDED
from serving.record.store import AccountStates
from serving.reviews.store import OpenReviewsAndMeasures, ReviewLog
from serving.storage.database import Transaction
from serving.storage.service_state import ServiceState

NO_DEVICE = ""
"""What a stand-in such as `unknown` is looked up as: no account has it."""


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """What is known of one account now.

    Attributes:
        state: vector, scores, facts, reviews and measures.
        is_record_known: whether lists, orders, credentials and measures were looked up.
        is_unreadable: whether a vector is stored that cannot be read.
    """

    state: AccountState
    is_record_known: bool
    is_unreadable: bool


def lookup_of(request: DecisionRequest) -> Lookup:
    """Whom and what a request names, in comparable form."""
    address = spelt("address", request.address) if request.address else None
    device = None if request.device_id is None else comparable("token", request.device_id) or NO_DEVICE
    return Lookup(request.account_id, address, device)


def in_force_now(transaction: Transaction, lookups: Sequence[Lookup], now: datetime) -> list[AccountStatus]:
    """How the accounts stand at the server's moment, in the order of the lookups."""
    accounts = [lookup.account_id for lookup in lookups]
    states = AccountStates(transaction).find(accounts)
    in_progress = ReviewLog(transaction).open_reviews_and_measures(accounts)
    records = _records(transaction, lookups)
    imposed = running(transaction, set(accounts), now)
    statuses = []
    for account in accounts:
        state, record = states.get(account), records.get(account)
        joined = _joined(account, state, record, in_progress.get(account), imposed.get(account, ()))
        is_unreadable = account in states and state is None
        statuses.append(AccountStatus(joined, state is not None or record is not None, is_unreadable))
    return statuses


def _records(transaction: Transaction, lookups: Sequence[Lookup]) -> dict[str, AccountRecord]:
    """What the record says of the accounts; nothing where nothing was ever recorded."""
    if ServiceState(transaction).get(RECORDED) is None:
        return {}
    return Record(transaction).find(lookups)


def _joined(
    account_id: str,
    state: AccountState | None,
    record: AccountRecord | None,
    in_progress: OpenReviewsAndMeasures | None,
    imposed: Sequence[Measure],
) -> AccountState:
    """The state with what binds at this moment: what the record knows, and the reviews and measures of the desk."""
    current_state = state or AccountState(account_id)
    if record is not None:
        facts = replace(record.facts, kyc_level=current_state.facts.kyc_level)
        current_state = replace(current_state, facts=facts, measures=record.measures)
    desk = in_progress.measures if in_progress else ()
    measures = {measure.measure_id: measure for measure in (*current_state.measures, *desk, *imposed)}
    return replace(
        current_state,
        reviews=tuple(review.review_id for review in in_progress.open_reviews) if in_progress else (),
        measures=tuple(measures.values()),
    )
