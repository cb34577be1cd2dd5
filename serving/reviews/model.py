"""What a review is: the frozen case, its measures and links, and its JSON form (docs/activity-schema.md#review)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import computed_field

from features.kernel.stored import BESIDE, LEFT_OUT, Document, Json, Moment, Part, Upgrade
from serving.measures.model import Measure, ProposedMeasure
from serving.policy.terms import RuleHit, SeverityWord
from serving.reviews.deadlines import due_at


class ReviewStatus(StrEnum):
    """Where a review is; the result is separate (`Finding`)."""

    OPEN = "open"
    ASSIGNED = "assigned"
    AWAITING_USER = "awaiting_user"
    DECIDED = "decided"
    APPEALED = "appealed"
    CLOSED = "closed"


class Finding(StrEnum):
    """What the person found who decided."""

    CONFIRMED = "confirmed"
    CLEARED = "cleared"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class EvidenceRow(Part):
    """One row of an activity table that supports the case, with its plain sentence."""

    table: str
    id: str
    ts: Moment
    text: str


@dataclass(frozen=True, slots=True)
class AccountLink(Part):
    """Why two accounts of a case belong together: the kind of link, its weight (0–1) and its sentence."""

    a: str
    b: str
    kind: str
    weight: float
    text: str


def without_deadline(case: dict[str, Any]) -> dict[str, Any]:
    """Version 0 stored the deadline, which the severity gives."""
    return {name: value for name, value in case.items() if name != "due_at"}


@dataclass(frozen=True, slots=True)
class Review(Document):
    """One case: what was known when it was opened (frozen), and its current state.

    `dedup_key` identifies the case, so that the same case is not opened twice; it is not part of the JSON form.
    `explanation` is the first account's, `explanations` one per account (docs/activity-schema.md#explanation).
    `evidence_counts` says how many rows count behind each feature or pattern that the evidence was taken from.
    `priority` is the harm that a minute of review may prevent; 0 where the case is older than priorities are.
    `happened_at` is when the last of what it is about happened, `as_of` the moment as of which it was judged, `symbol`
    the market, if it is about one; cases of earlier versions have none of them.
    `selection` is empty unless the account is a random sample: the method and the probability (`random_samples`).
    """

    upgrades: ClassVar[Mapping[int, Upgrade]] = {0: without_deadline}
    plain: ClassVar[tuple[str, ...]] = ("scores", "explanation", "explanations", "selection")

    review_id: str
    dedup_key: Annotated[str, BESIDE]
    opened_at: Moment
    severity: SeverityWord
    typology: str
    clauses: tuple[str, ...]
    accounts: tuple[str, ...]
    title: str = ""
    summary: str = ""
    coordinated: bool = False
    rules: tuple[RuleHit, ...] = ()
    scores: Json = field(default_factory=dict)
    evidence: tuple[EvidenceRow, ...] = ()
    evidence_counts: Mapping[str, int] = field(default_factory=dict)
    proposed_measures: tuple[ProposedMeasure, ...] = ()
    links: tuple[AccountLink, ...] = ()
    explanation: Json = field(default_factory=dict)
    explanations: Json = field(default_factory=dict)
    selection: Json = field(default_factory=dict)
    priority: float = 0.0
    version: int = 1
    status: ReviewStatus = ReviewStatus.OPEN
    finding: Annotated[Finding | None, LEFT_OUT] = None
    measures: tuple[Measure, ...] = ()
    assigned_to: Annotated[str | None, LEFT_OUT] = None
    happened_at: Annotated[Moment | None, LEFT_OUT] = None
    as_of: Annotated[Moment | None, LEFT_OUT] = None
    symbol: Annotated[str | None, LEFT_OUT] = None

    @property
    def judged_at(self) -> datetime:
        """The moment as of which the case was judged; of an older case, the one at which it was opened."""
        return self.as_of or self.opened_at

    @computed_field  # type: ignore[prop-decorator]
    @property
    def due_at(self) -> Moment:
        """The moment by which a person has to decide (docs/methods.md#severity)."""
        return due_at(self.severity, self.opened_at)


def clauses_of(rules: Sequence[RuleHit]) -> tuple[str, ...]:
    """The clauses the rules cite, each once, in their order."""
    return tuple(dict.fromkeys(clause for rule in rules for clause in rule.clauses))
