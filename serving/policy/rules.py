"""What a rule is: its clause, its dates, its condition, its sourced thresholds, and what it concludes and proposes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from serving.policy.language import Condition
from serving.policy.terms import Comparison, IfUnknown, Outcome, RuleState, Severity

ACCOUNT = "account"
EPISODE = "episode"


@dataclass(frozen=True, slots=True)
class Threshold:
    """One number (or word) a rule compares with: its unit and where it comes from."""

    value: float | str | bool
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A measure a rule proposes to the person who reviews; scope `symbol` stands for the episode's own symbol."""

    measure: str
    days: int | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """One measure that a rule starts by itself, for so many hours; scope `symbol` as in a proposal."""

    measure: str
    hours: float
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One dated rule of the policy.

    `clauses` names every clause the finding falls under, `clause` first. `family` joins rules that are levels of one
    finding: of those that fire only the most severe is reported. `values` and `thresholds_shown` give, for the key to
    show, the field whose value is shown as value or beside it as threshold; `comparisons` name values by these keys.
    `starts` are measures that begin by themselves where a case is opened by the rule, `holder_message` is the family
    of what the account holder may be told.
    `if_unknown` is what an account rule counts as while a value that could make it fire is not known; an episode has
    no such values.
    """

    id: str
    title: str
    clause: str
    clause_detail: str | None
    clauses: tuple[str, ...]
    version: date
    effective_from: date
    state: RuleState
    subject: str
    pattern: str | None
    family: str
    typology: str
    severity: Severity
    outcome: Outcome
    when: Condition
    thresholds: Mapping[str, Threshold]
    values: Mapping[str, str]
    thresholds_shown: Mapping[str, str]
    comparisons: Mapping[str, Comparison]
    proposes: tuple[Proposal, ...]
    says: str
    if_unknown: IfUnknown | None
    starts: tuple[Start, ...]
    holder_message: str

    @property
    def subject_key(self) -> str:
        """What the rule judges: `account`, or the name of the pattern whose episodes it judges."""
        return self.pattern or self.subject

    @property
    def fields_needed(self) -> frozenset[str]:
        """Every field the rule reads, to decide or to show."""
        return self.when.fields | {*self.values.values(), *self.thresholds_shown.values()}

    @property
    def counts_as_unknown(self) -> Outcome:
        """The outcome that the rule asks for while a value that could make it fire is not known."""
        if self.if_unknown is IfUnknown.FIRES:
            return self.outcome
        return min(self.outcome, Outcome.REVIEW) if self.if_unknown is IfUnknown.REVIEW else Outcome.ALLOW

    @property
    def opens_review(self) -> bool:
        """Whether a person has to look: the rule asks for a review, or proposes measures only a person may impose."""
        return self.outcome is Outcome.REVIEW or bool(self.proposes)
