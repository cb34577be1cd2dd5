"""What other subjects ask of measures: which run, which begin, which end, and how many nobody looked at."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from serving.measures.model import ImposedMeasure, Measure
from serving.measures.store import Measures
from serving.storage.database import Transaction

BY_RULES = "rule "
"""How `decided_by` begins where a rule started a measure."""


def running(transaction: Transaction, account_ids: Collection[str], now: datetime) -> Mapping[str, Sequence[Measure]]:
    """By account the measures that are not over."""
    return Measures(transaction).of_accounts(account_ids, now)


def running_everywhere(transaction: Transaction, now: datetime) -> list[Measure]:
    """The measures of all accounts that are not over."""
    return [imposed.measure for imposed in Measures(transaction).list(now)]


def of_review(transaction: Transaction, review_id: str, now: datetime) -> tuple[Measure, ...]:
    """The measures that rest on a review, over or not."""
    return tuple(imposed.measure for imposed in Measures(transaction).of_review(review_id, now))


def start(transaction: Transaction, imposed: Sequence[ImposedMeasure]) -> int:
    """Impose measures that are not there yet; gives back how many began."""
    return Measures(transaction).start(imposed)


def end_those_of(transaction: Transaction, review_id: str, by: str, at: datetime) -> int:
    """End what rests on a review; gives back how many ended."""
    return Measures(transaction).end_those_of(review_id, by, at)


def ended_by_time(transaction: Transaction, now: datetime) -> tuple[int, int]:
    """How many measures that rules started are over, and how many of them ran out without anybody ending them."""
    return Measures(transaction).ended_by_time(BY_RULES, now)
