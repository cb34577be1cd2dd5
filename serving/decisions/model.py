"""From an account's state and a request to one decision with its reasons: the most severe outcome of all rules wins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from features.kernel.stored import BESIDE, LEFT_OUT, Document, Moment, Part
from serving.decisions.fields import Period, account_fields, measures_in_force
from serving.decisions.request import MONEY_OUT, DecisionRequest
from serving.measures.model import Measure
from serving.policy.book import Policy
from serving.policy.evaluation import Evaluation, evaluate
from serving.policy.fields import SCORES
from serving.policy.rules import ACCOUNT
from serving.policy.terms import Degraded, Outcome, OutcomeWord, RuleHit, SeverityWord, Value
from serving.record.model import AccountState, Reason, Scores

FRESH_FOR = timedelta(days=7)
_NO_VECTOR = Degraded(
    "vector",
    "No vector has been built for the account yet.",
    "Rules over the request, lists and holds alone; at least step_up for money going out, monitor for the rest.",
)


def money_as_text(values: Mapping[str, Value]) -> dict[str, Value]:
    """Named values as the contract writes them: money (`…_usd…`) as decimal strings.

    >>> money_as_text({"limit_usd": 270_000, "orders": 3})
    {'limit_usd': '270000.00', 'orders': 3}
    """
    return {name: _money_text(value) if "usd" in name.split("_") else value for name, value in values.items()}


def _money_text(value: Value) -> Value:
    if value is None or isinstance(value, (str, bool)):
        return value
    amount = Decimal(str(value))
    return f"{amount:.2f}" if amount * 100 == int(amount * 100) else f"{amount:f}"


@dataclass(frozen=True, slots=True)
class Versions(Part):
    """What made the decision: the catalogue's fingerprint, the policy, each model by name."""

    catalogue: str | None
    policy: str
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision(Document):
    """One answer, as it is recorded: `shadow_rules` fired without effect and are kept out of the answer."""

    decision_id: str
    account_id: str
    outcome: OutcomeWord
    severity: SeverityWord
    reasons: tuple[Reason, ...]
    rules: tuple[RuleHit, ...]
    scores: Scores
    measures: tuple[Measure, ...]
    as_of: Moment | None
    decided_at: Moment
    degraded: tuple[Degraded, ...]
    versions: Versions
    review_id: Annotated[str | None, LEFT_OUT] = None
    shadow_rules: Annotated[tuple[RuleHit, ...], BESIDE] = ()

    def _written(self, is_stored: bool) -> dict[str, Any]:
        # Not super(): a slotted dataclass is another class than the one whose body this is.
        record = Document._written(self, is_stored)
        for rule in record["rules"]:
            rule["values"], rule["thresholds"] = money_as_text(rule["values"]), money_as_text(rule["thresholds"])
        return record


def decide(
    request: DecisionRequest, state: AccountState, policy: Policy, decision_id: str, decided_at: datetime
) -> Decision:
    """The decision on the request; it is always given, and `degraded` names what was missing.

    Cooling-off hours count to the moment of the request; holds, lists and orders bind if in force then or since.
    Of an account that is not known or not scored yet the state is `AccountState(account_id)` with what facts there
    are: without a vector the outcome is at least `step_up` for money going out and `monitor` for the rest.
    """
    period = Period.of(request.occurred_at, decided_at)
    fields = account_fields(state, period, request)
    if state.as_of is None:
        fields = dict.fromkeys(policy.fields_read(ACCOUNT)) | fields
    evaluation = evaluate(policy, ACCOUNT, fields, on=decided_at.date())
    return Decision(
        decision_id=decision_id,
        account_id=request.account_id,
        outcome=max(evaluation.outcome, _least_outcome(request, state)),
        severity=evaluation.severity,
        reasons=_reasons(evaluation, state, policy),
        rules=evaluation.hits,
        scores=state.scores,
        measures=measures_in_force(state, period),
        as_of=state.as_of,
        decided_at=decided_at,
        degraded=(*_missing(state), *_stale(state, request), *evaluation.degraded),
        versions=Versions(state.catalogue, policy.version, state.models),
        review_id=state.reviews[-1] if state.reviews else None,
        shadow_rules=evaluation.shadow_hits,
    )


def _least_outcome(request: DecisionRequest, state: AccountState) -> Outcome:
    if state.as_of is not None:
        return Outcome.ALLOW
    return Outcome.STEP_UP if request.type in MONEY_OUT else Outcome.MONITOR


def _missing(state: AccountState) -> tuple[Degraded, ...]:
    vector = () if state.as_of is not None else (_NO_VECTOR,)
    scores = state.scores
    available = {
        "anomaly": scores.anomaly_p_value is not None,
        "violations": bool(scores.violation_probability),
        "m-score": scores.m_score is not None,
    }
    missing = ", ".join(name for name, is_available in available.items() if not is_available)
    return (
        (*vector, Degraded("models", f"No score of {missing}.", "The other scores and the rules."))
        if missing
        else vector
    )


def _stale(state: AccountState, request: DecisionRequest) -> tuple[Degraded, ...]:
    if state.as_of is None or abs(request.occurred_at - state.as_of) <= FRESH_FOR:
        return ()
    days = abs(request.occurred_at - state.as_of).days
    side = "older than" if request.occurred_at > state.as_of else "later than"
    return (Degraded("vector", f"The vector is {days} days {side} the request.", "The vector was used as it is."),)


def _reasons(evaluation: Evaluation, state: AccountState, policy: Policy) -> tuple[Reason, ...]:
    rules = tuple(Reason(hit.rule_id, hit.says, hit.clause) for hit in evaluation.hits)
    by_score = any(not policy.rule(hit.rule_id).when.fields.isdisjoint(SCORES) for hit in evaluation.hits)
    not_scored = () if state.as_of is not None else (Reason("not_scored", "The account has not been scored yet."),)
    return (*rules, *(state.score_reasons if by_score else ()), *not_scored)
