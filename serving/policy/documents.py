"""What a file of rules may hold: its fields, their vocabularies, and what each of them is for."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, RootModel

from features.kernel.documents import OneOf, Scalar, Text, Written
from serving.policy.rules import ACCOUNT, EPISODE
from serving.policy.terms import (
    CLAUSES,
    MEASURES,
    STARTED_BY_RULES,
    TYPOLOGIES,
    IfUnknown,
    Outcome,
    RuleState,
    Severity,
)

MAX_MEASURE_DAYS = 180
MAX_STARTED_HOURS = 24


def days_of_measure(days: int) -> int:
    """The days, if a rule may propose so many.

    Raises:
        ValueError: a rule may not.
    """
    if not 1 <= days <= MAX_MEASURE_DAYS:
        raise ValueError(f"1 to {MAX_MEASURE_DAYS} days (clause 7.3.2)")
    return days


def by_name(shown: Any) -> Any:
    """A list of fields as a mapping from each to itself; anything else as it is."""
    is_list = isinstance(shown, list) and all(isinstance(name, str) for name in shown)
    return {name: name for name in shown} if is_list else shown


Clause = Annotated[str, OneOf(CLAUSES)]
Shown = Annotated[Mapping[Text, Text], BeforeValidator(by_name, json_schema_input_type=list[Text] | dict[Text, Text])]
Days = Annotated[
    int, AfterValidator(days_of_measure), Field(json_schema_extra={"minimum": 1, "maximum": MAX_MEASURE_DAYS})
]


class ThresholdDocument(Written):
    """One number (or word) the rule compares with."""

    value: Scalar
    unit: Text
    source: Text
    """Where the number comes from: a clause, a method, or a house default with its reason."""


class ProposalDocument(Written):
    """A measure proposed to the person who reviews."""

    measure: Annotated[str, OneOf(MEASURES)]
    days: Days | None = None
    scope: Text | None = None
    """What the measure is limited to; `symbol` stands for the symbol of the episode."""


class StartDocument(Written):
    """A measure that the rule starts by itself (clause 6 b): it can be undone, and ends by itself within a day."""

    measure: Annotated[str, OneOf(STARTED_BY_RULES)]
    hours: Annotated[float, Field(gt=0, le=MAX_STARTED_HOURS)]
    scope: Text | None = None
    """What the measure is limited to; `symbol` stands for the symbol of the episode."""


class RuleDocument(Written):
    """One dated rule of the policy."""

    id: Text
    title: Text
    clause: Clause
    """The clause that the finding falls under first."""
    clause_detail: Text | None = None
    """The bullet of the clause."""
    clauses: list[Clause] = Field(default_factory=list)
    """Further clauses that the finding falls under."""
    version: date
    effective_from: date
    state: Annotated[str, OneOf(tuple(state.value for state in RuleState))]
    subject: Annotated[str, OneOf((ACCOUNT, EPISODE))]
    """What is judged."""
    pattern: Text | None = None
    """The pattern whose episodes are judged; of an episode rule only."""
    family: Text | None = None
    """Joins rules that are levels of one finding: the most severe that fires is reported."""
    typology: Annotated[str, OneOf(TYPOLOGIES)]
    severity: Annotated[str, OneOf(tuple(severity.word for severity in Severity))]
    outcome: Annotated[str, OneOf(tuple(outcome.word for outcome in Outcome))]
    when: Text
    """The condition: fields of the subject compared with `:thresholds`."""
    thresholds: dict[Text, ThresholdDocument]
    """What the condition compares with, each with its unit and source."""
    values: Shown
    """The fields to show as values: a list, or by the key to show them under."""
    thresholds_shown: Shown = Field(default_factory=dict)
    """The fields to show beside the values as if they were thresholds."""
    if_unknown: Annotated[str, OneOf(tuple(word.value for word in IfUnknown))] | None = None
    """What the rule counts as while a value that could make it fire is not known; of an account rule only, required."""
    if_unknown_reason: Text | None = None
    """Why that is right; required with `if_unknown`."""
    proposes: list[ProposalDocument] = Field(default_factory=list)
    starts: list[StartDocument] = Field(default_factory=list)
    """Measures that start at once, for at most a day, where a scoring run opens a case by the rule."""
    holder_message: Text
    """The family of what the account holder may be told, a key of `holder_messages.yaml`."""
    says: Text
    """The finding in one plain sentence."""


class RulesDocument(RootModel[list[RuleDocument]]):
    """A file of rules."""
