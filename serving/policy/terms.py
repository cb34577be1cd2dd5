"""The words of a decision: outcomes and severities in order, the fixed vocabularies, and the result of one rule."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, SerializeAsAny

from features.kernel.stored import LEFT_OUT, Part

Value = float | int | str | bool | None
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}

SAMPLED = "drawn"
"""The kind of a review that was opened as a random sample: it has no typology."""
TYPOLOGIES = (
    "kyc_gate",
    "unauthorised_automation",
    "wash_trading",
    "spoofing",
    "layering",
    "excessive_orders",
    "front_running",
    "restricted_jurisdiction",
    "pump_and_dump",
    "banned_reentry",
    "sanctions_exposure",
    "money_laundering",
    "illicit_assets",
    "legal_order",
    "issuer_affiliation",
    "listing_deposits",
    "listing_manipulation",
    "concealment",
    "price_manipulation",
    "multi_account",
    "collusion",
    "hedging_abuse",
    "account_takeover",
    "position_limit_evasion",
    "observation_breach",
    "unknown_anomaly",
)
MEASURES = (
    "withdrawal_hold",
    "deposit_hold",
    "close_only",
    "reduce_only",
    "trading_suspension",
    "access_suspension",
    "document_request",
    "observation",
    "restriction",
    "asset_freeze",
    "exclusion",
    "closure",
    "forfeiture",
    "rollback_proposal",
    "vvip_suspension",
)
STARTED_BY_RULES = ("withdrawal_hold", "deposit_hold", "close_only", "reduce_only")
"""The measures that a rule may start by itself: they can be undone, and take nothing."""
CLAUSES = (
    "4.1", "4.2", "4.3", "4.4", "4.5", "5.1", "5.2", "5.3", "5.4",
    "5.5", "6", "7.1", "7.2", "7.3", "7.3.1", "7.3.2", "7.3.3", "7.4", "8",
)  # fmt: skip


class Severity(IntEnum):
    """How serious a finding is (docs/methods.md#severity); a higher one wins."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4
    LEGAL = 5

    @property
    def word(self) -> str:
        """The word of the fixed vocabulary, as outside programs compare it."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Severity":
        """The severity with that word.

        >>> Severity.of("high") > Severity.of("medium")
        True
        """
        return cls[word.upper()]


class Outcome(IntEnum):
    """What is decided about a request; the most severe outcome of all rules wins."""

    ALLOW = 0
    MONITOR = 1
    STEP_UP = 2
    REVIEW = 3
    HOLD = 4
    BLOCK = 5

    @property
    def word(self) -> str:
        """The word of the fixed vocabulary."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Outcome":
        """The outcome with that word.

        >>> max(Outcome.of("allow"), Outcome.of("step_up")).word
        'step_up'
        """
        return cls[word.upper()]


class RuleState(StrEnum):
    """A rule is born in shadow; only a live one changes an outcome."""

    DRAFT = "draft"
    SHADOW = "shadow"
    LIVE = "live"
    RETIRED = "retired"


class IfUnknown(StrEnum):
    """What a rule counts as while a value that could make it fire is not known."""

    FIRES = "fires"
    """As if it had fired."""
    REVIEW = "review"
    """As a review, or as its own outcome if that is milder."""
    IGNORE = "ignore"
    """As nothing: something else stands in for it, which the reason names."""


def severity_of(value: Any) -> Any:
    """The severity of a word; anything else as it is.

    >>> severity_of("high")
    <Severity.HIGH: 3>
    """
    return Severity.__members__.get(value.upper(), value) if isinstance(value, str) else value


def outcome_of(value: Any) -> Any:
    """The outcome of a word; anything else as it is."""
    return Outcome.__members__.get(value.upper(), value) if isinstance(value, str) else value


SeverityWord = Annotated[Severity, BeforeValidator(severity_of), PlainSerializer(Severity.word.fget, return_type=str)]
"""A severity that is its word in JSON."""
OutcomeWord = Annotated[Outcome, BeforeValidator(outcome_of), PlainSerializer(Outcome.word.fget, return_type=str)]
"""An outcome that is its word in JSON."""


@dataclass(frozen=True, slots=True)
class Comparison(Part):
    """What is asked of a value: `sign` is one of `>= > <= <`, `of` names what is compared if it is one value alone."""

    sign: str
    of: str | None = None

    def holds(self, value: Value, threshold: Value) -> bool | None:
        """Whether the value meets the threshold; None where one of them is no number.

        >>> Comparison("<=").holds(3, 5), Comparison(">").holds(None, 5)
        (True, None)
        """
        if not isinstance(value, int | float) or not isinstance(threshold, int | float):
            return None
        return _SIGNS[self.sign](value, threshold)


@dataclass(frozen=True, slots=True)
class RuleHit(Part):
    """One rule that fired: what it cites, what it concluded, and each value beside its threshold.

    `clauses` are all clauses the finding falls under, `clause` alone where none are given; `says` is the rule's one
    plain sentence.
    `comparisons` says of a threshold which way it was compared; `of` is then a key of `values`.
    """

    rule_id: str
    version: str
    clause: str
    title: str
    typology: str
    severity: SeverityWord
    outcome: OutcomeWord
    values: Mapping[str, SerializeAsAny[Value]]
    thresholds: Mapping[str, SerializeAsAny[Value]]
    clauses: tuple[str, ...] = ()
    clause_detail: Annotated[str | None, LEFT_OUT] = None
    says: str = ""
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lets the one clause stand for all where no others are given."""
        if not self.clauses:
            object.__setattr__(self, "clauses", (self.clause,))


@dataclass(frozen=True, slots=True)
class Degraded(Part):
    """One thing a decision had to do without: what was missing, why, and what stood in for it."""

    component: str
    reason: str
    fallback: str
