"""What a review is: the frozen case, its measures and links, and its JSON form (activity schema, Review)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from features.kernel.moments import moment_of, text_of
from serving.measures.model import Measure, ProposedMeasure, set_values
from serving.policy.terms import Comparison, Outcome, RuleHit, Severity
from serving.reviews.deadlines import due_at

Json = Mapping[str, Any]
"""The kind of a case that was drawn by lot, where others go by their typology."""


class ReviewStatus(StrEnum):
    """Where a review is; what was found is a matter apart (`Finding`)."""

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
class EvidenceRow:
    """One row of an activity table that speaks for the suspicion, with its plain sentence."""

    table: str
    id: str
    ts: datetime
    text: str

    def to_json(self) -> dict[str, Any]:
        """The row as the contract writes it."""
        return {"table": self.table, "id": self.id, "ts": text_of(self.ts), "text": self.text}

    @classmethod
    def from_json(cls, record: Json) -> "EvidenceRow":
        """The row that `to_json` wrote."""
        return cls(record["table"], record["id"], moment_of(record["ts"]), record["text"])


@dataclass(frozen=True, slots=True)
class AccountLink:
    """Why two accounts of a case belong together: the kind of link, its weight (0–1) and its sentence."""

    a: str
    b: str
    kind: str
    weight: float
    text: str


@dataclass(frozen=True, slots=True)
class Review:
    """One case: what was known when it was opened (frozen), and where it stands now.

    `dedup_key` names the suspicion, so that finding it again opens no second case; it is not part of the JSON form.
    `explanation` is the first account's, `explanations` one an account (activity schema, Explanation).
    `evidence_counts` says how many rows count behind each feature or pattern that the evidence was taken from.
    `priority` is the harm that a minute of review may prevent; 0 where the case is older than priorities are.
    `selection` is empty unless the account was drawn: in which way, and with what probability (`workflows.explore`).
    """

    review_id: str
    dedup_key: str
    opened_at: datetime
    severity: Severity
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
    finding: Finding | None = None
    measures: tuple[Measure, ...] = ()
    assigned_to: str | None = None

    @property
    def due_at(self) -> datetime:
        """The moment by which a person has to decide (methods 2.2)."""
        return due_at(self.severity, self.opened_at)

    def to_json(self) -> dict[str, Any]:
        """The review exactly as the contract writes it, with `title`, `summary`, `links` and more beside."""
        record: dict[str, Any] = {
            "review_id": self.review_id,
            "version": self.version,
            "opened_at": text_of(self.opened_at),
            "status": self.status.value,
            "severity": self.severity.word,
            "typology": self.typology,
            "title": self.title,
            "summary": self.summary,
            "clauses": list(self.clauses),
            "accounts": list(self.accounts),
            "coordinated": self.coordinated,
            "rules": [rule_to_json(rule) for rule in self.rules],
            "scores": dict(self.scores),
            "evidence": [row.to_json() for row in self.evidence],
            "evidence_counts": dict(self.evidence_counts),
            "proposed_measures": [proposed.to_json() for proposed in self.proposed_measures],
            "measures": [measure.to_json() for measure in self.measures],
            "due_at": text_of(self.due_at),
            "priority": self.priority,
            "links": [asdict(link) for link in self.links],
            "explanation": dict(self.explanation),
            "explanations": dict(self.explanations),
            "selection": dict(self.selection),
        }
        return record | set_values(finding=self.finding and self.finding.value, assigned_to=self.assigned_to)

    @classmethod
    def from_json(cls, record: Json, dedup_key: str = "") -> "Review":
        """The review that `to_json` wrote; keys beyond the contract may be missing."""
        finding = record.get("finding")
        return cls(
            review_id=record["review_id"],
            dedup_key=dedup_key,
            opened_at=moment_of(record["opened_at"]),
            severity=Severity.of(record["severity"]),
            typology=record["typology"],
            clauses=tuple(record["clauses"]),
            accounts=tuple(record["accounts"]),
            title=record.get("title", ""),
            summary=record.get("summary", ""),
            coordinated=record["coordinated"],
            rules=tuple(rule_from_json(rule) for rule in record["rules"]),
            scores=record["scores"],
            evidence=tuple(EvidenceRow.from_json(row) for row in record["evidence"]),
            evidence_counts=record.get("evidence_counts", {}),
            proposed_measures=tuple(ProposedMeasure.from_json(row) for row in record["proposed_measures"]),
            links=tuple(AccountLink(**link) for link in record.get("links", ())),
            explanation=record["explanation"],
            explanations=record.get("explanations", {}),
            selection=record.get("selection", {}),
            priority=record.get("priority", 0.0),
            version=record["version"],
            status=ReviewStatus(record["status"]),
            finding=Finding(finding) if finding else None,
            measures=tuple(Measure.from_json(measure) for measure in record["measures"]),
            assigned_to=record.get("assigned_to"),
        )


def rule_to_json(rule: RuleHit) -> dict[str, Any]:
    """One rule that fired, as decisions and reviews write it."""
    return {
        "rule_id": rule.rule_id,
        "version": rule.version,
        "clause": rule.clause,
        "clauses": list(rule.clauses or (rule.clause,)),
        "title": rule.title,
        "says": rule.says,
        "typology": rule.typology,
        "severity": rule.severity.word,
        "outcome": rule.outcome.word,
        "values": dict(rule.values),
        "thresholds": dict(rule.thresholds),
        "comparisons": {name: {"sign": one.sign, "of": one.of} for name, one in rule.comparisons.items()},
    } | set_values(clause_detail=rule.clause_detail)


def rule_from_json(record: Json) -> RuleHit:
    """The rule that `rule_to_json` wrote."""
    return RuleHit(
        record["rule_id"],
        record["version"],
        record["clause"],
        record["title"],
        record["typology"],
        Severity.of(record["severity"]),
        Outcome.of(record["outcome"]),
        record["values"],
        record["thresholds"],
        tuple(record.get("clauses", (record["clause"],))),
        record.get("clause_detail"),
        record.get("says", ""),
        {name: Comparison(**comparison) for name, comparison in record.get("comparisons", {}).items()},
    )


def clauses_of(rules: Sequence[RuleHit]) -> tuple[str, ...]:
    """The clauses the rules cite, each once, in their order."""
    return tuple(dict.fromkeys(clause for rule in rules for clause in rule.clauses or (rule.clause,)))
