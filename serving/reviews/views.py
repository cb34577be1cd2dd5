"""What the templates show: a review turned into words, rows and pictures, with nothing left to decide."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.kernel.units import number
from serving.measures.model import Measure, ProposedMeasure
from serving.policy.terms import SAMPLED, RuleHit
from serving.reviews.conditions import Condition, conditions_of, sentence_of
from serving.reviews.lifecycle import ReviewEvent
from serving.reviews.link_graph import LinkGraph, link_graph
from serving.reviews.model import AccountLink, Finding, Review, ReviewStatus
from serving.web.waterfall import Waterfall, waterfall_of
from serving.web.wording import (
    SCORES,
    capitalised,
    due_words,
    feature_words,
    kind_words,
    measure_words,
    moment_to_the_millisecond,
    moment_words,
    plain,
    span_words,
    typology_words,
)

MAX_EVIDENCE = 20
MAX_LINKS = 20
MAX_PROBABILITIES = 4
MAX_ACCOUNTS_IN_ROW = 3


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One review in the queue and why it is there."""

    review_id: str
    severity: str
    heading: str
    why: str
    accounts: str
    due: str
    due_moment: str
    is_overdue: bool
    age: str
    status: str
    priority: str


@dataclass(frozen=True, slots=True)
class FiredRule:
    """One rule that fired and what it compared."""

    rule: RuleHit
    severity: str
    outcome: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One score with the meaning of its direction."""

    name: str
    value: str
    direction: str


@dataclass(frozen=True, slots=True)
class ShownEvidence:
    """One evidence row, its moment exact enough to compare machines."""

    moment: str
    text: str
    table: str
    id: str


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """A proposed or imposed measure in words."""

    name: str
    accounts: str
    duration: str
    scope: str
    state: str


@dataclass(frozen=True, slots=True)
class SharedThing:
    """One identifier with the accounts that share it; `weight` is that of each pair."""

    accounts: tuple[str, ...]
    kind: str
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class CasePage:
    """Everything the page of one case shows."""

    review: Review
    row: QueueRow
    opened: str
    happened: str | None
    judged: str | None
    summary: str
    rules: tuple[FiredRule, ...]
    scores: tuple[ScoreRow, ...]
    waterfalls: tuple[Waterfall, ...]
    evidence: tuple[ShownEvidence, ...]
    counts: tuple[tuple[str, int], ...]
    graph: LinkGraph | None
    links: tuple[SharedThing, ...]
    proposed: tuple[MeasureRow, ...]
    imposed: tuple[MeasureRow, ...]
    history: tuple[tuple[str, str, str, str], ...]


def queue_row(review: Review, now: datetime) -> QueueRow:
    """The review as one row of the queue."""
    is_closed = review.status is ReviewStatus.CLOSED
    return QueueRow(
        review_id=review.review_id,
        severity=review.severity.word,
        heading=_heading(review),
        why=sentence_of(review.rules[0]) if review.rules else review.summary or review.title,
        accounts=_accounts(review.accounts),
        due="closed" if is_closed else due_words(review.due_at, now),
        due_moment=moment_words(review.due_at),
        is_overdue=not is_closed and now > review.due_at,
        age=span_words(now - review.opened_at),
        status=plain(review.status.value) + (f" · {review.finding.value}" if review.finding else ""),
        priority="" if is_closed else f"{review.priority:.2g}",
    )


def _heading(review: Review) -> str:
    """What the case is about; a random sample has no typology until one is confirmed."""
    if review.selection and review.finding is not Finding.CONFIRMED:
        return kind_words(SAMPLED)
    return typology_words(review.typology) + (", random sample" if review.selection else "")


def case_page(review: Review, history: Sequence[ReviewEvent], now: datetime) -> CasePage:
    """The review as one page."""
    row = queue_row(review, now)
    evidence = sorted(review.evidence, key=lambda item: item.ts)
    return CasePage(
        review=review,
        row=row,
        opened=moment_words(review.opened_at),
        happened=moment_words(review.happened_at) if review.happened_at else None,
        judged=moment_words(review.as_of) if review.as_of else None,
        summary=review.summary or row.why,
        rules=tuple(
            FiredRule(rule, rule.severity.word, plain(rule.outcome.word), conditions_of(rule)) for rule in review.rules
        ),
        scores=tuple(_scores(review.scores)),
        waterfalls=_waterfalls(review),
        evidence=tuple(
            ShownEvidence(moment_to_the_millisecond(row.ts), row.text, plain(row.table), row.id)
            for row in evidence[:MAX_EVIDENCE]
        ),
        counts=tuple((feature_words(name), count) for name, count in review.evidence_counts.items() if count),
        graph=link_graph(review.accounts, review.links),
        links=tuple(_shared(review.links))[:MAX_LINKS],
        proposed=tuple(_proposed(measure) for measure in review.proposed_measures),
        imposed=tuple(_imposed(measure) for measure in review.measures),
        history=tuple(_step(event) for event in history),
    )


def _shared(links: Sequence[AccountLink]) -> list[SharedThing]:
    """What is shared, each once with all accounts that share it, the heaviest first."""
    holders: dict[tuple[str, str, float], dict[str, None]] = {}
    for link in links:
        holders.setdefault((link.kind, link.text, link.weight), {}).update({link.a: None, link.b: None})
    things = [SharedThing(tuple(sorted(who)), kind, text, weight) for (kind, text, weight), who in holders.items()]
    return sorted(things, key=lambda thing: (-thing.weight, -len(thing.accounts), thing.text))


def _accounts(accounts: Sequence[str]) -> str:
    shown, more = accounts[:MAX_ACCOUNTS_IN_ROW], len(accounts) - MAX_ACCOUNTS_IN_ROW
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _waterfalls(review: Review) -> tuple[Waterfall, ...]:
    explanations = list(review.explanations.values()) or [review.explanation]
    return tuple(waterfall_of(explanation) for explanation in explanations if explanation.get("contributions"))


def _scores(scores: Mapping[str, Any]) -> Iterator[ScoreRow]:
    """The scores with their directions; of the probabilities only the highest, which are those that matter."""
    for key, value in scores.items():
        name, direction = SCORES.get(key, (capitalised(plain(key)), ""))
        if isinstance(value, Mapping):
            highest = sorted(value.items(), key=lambda item: -item[1])[:MAX_PROBABILITIES]
            yield from (ScoreRow(f"{name} · {plain(part)}", number(amount), direction) for part, amount in highest)
        elif value is not None:
            yield ScoreRow(name, number(value), direction)


def _proposed(measure: ProposedMeasure) -> MeasureRow:
    duration = f"{measure.days} day{'s' if measure.days > 1 else ''}" if measure.days else "until decided"
    accounts = ", ".join(measure.accounts)
    return MeasureRow(measure_words(measure.measure), accounts, duration, measure.scope or "whole account", "proposed")


def _imposed(measure: Measure) -> MeasureRow:
    ends = f" until {moment_words(measure.ends_at)}" if measure.ends_at else ", no end set"
    duration = f"from {moment_words(measure.starts_at)}{ends}, decided by {measure.decided_by}"
    state = plain(measure.state.value)
    return MeasureRow(measure_words(measure.measure), measure.account_id, duration, measure.scope, state)


def _step(event: ReviewEvent) -> tuple[str, str, str, str]:
    changes = "; ".join(
        f"{plain(name)}: {plain(str(value))}" for name, value in event.changes.items() if isinstance(value, str)
    )
    return moment_words(event.at), capitalised(plain(event.kind.value)), event.by, changes
