"""From an account's state and a request to one decision with its reasons: the most severe outcome of all rules wins."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from features.kernel.moments import text_of
from features.kernel.stored import BESIDE, LEFT_OUT, Document, Moment, Part
from serving.decisions.fields import Clock, account_fields, measures_in_force, unknown_fields
from serving.decisions.request import DecisionRequest
from serving.measures.model import Measure
from serving.policy.book import Policy
from serving.policy.evaluation import Evaluation, evaluate
from serving.policy.fields import SCORES
from serving.policy.floors import Unknown
from serving.policy.rules import ACCOUNT
from serving.policy.terms import Degraded, Outcome, OutcomeWord, RuleHit, SeverityWord, Value
from serving.record.model import AccountState, Reason, Scores

MAX_AHEAD = timedelta(minutes=5)
MAX_BEHIND = timedelta(hours=24)
_HOUR = timedelta(hours=1)


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
    holder_message: Annotated[str | None, LEFT_OUT] = None
    shadow_rules: Annotated[tuple[RuleHit, ...], BESIDE] = ()

    def _written(self, is_stored: bool) -> dict[str, Any]:
        # Not super(): a slotted dataclass is another class than the one whose body this is.
        record = Document._written(self, is_stored)
        for rule in record["rules"]:
            rule["values"], rule["thresholds"] = money_as_text(rule["values"]), money_as_text(rule["thresholds"])
        return record


def decide(
    request: DecisionRequest,
    state: AccountState,
    policy: Policy,
    decision_id: str,
    decided_at: datetime,
    is_record_known: bool = True,
) -> Decision:
    """The decision on the request; it is always given, and `degraded` names what was missing.

    Holds, lists and orders bind if they are in force at the moment of the decision. Cooling-off hours count to the
    moment of the request, or to that of the decision where the request claims a later one. What is unknown raises the
    outcome to the floors of the policy (a vector that is missing, too old or of another catalogue, the record, scores,
    what the request leaves out), and each rule that it leaves open counts as the rule declares.

    Args:
        state: what is known of the account; `AccountState(account_id)` where it was never scored.
        is_record_known: whether lists, orders, credentials and measures could be looked up.
    """
    clock = Clock.of(request.occurred_at, decided_at)
    fields = dict.fromkeys(policy.features) | account_fields(state, clock, request)
    vector = _unknown_vector(state, request, policy, decided_at)
    unknown = unknown_fields(state, request, policy, is_vector_known=not vector, is_record_known=is_record_known)
    evaluation = evaluate(policy, ACCOUNT, fields, on=decided_at.date(), unknown=unknown)
    is_unknown = {
        Unknown.VECTOR: bool(vector),
        Unknown.RECORD: not is_record_known,
        Unknown.SCORES: not unknown.isdisjoint(SCORES),
        Unknown.REQUEST: bool(request.left_out),
    }
    least = [policy.floors.minimum(what, request.type) for what, is_so in is_unknown.items() if is_so]
    outcome = max([evaluation.outcome, *least])
    return Decision(
        decision_id=decision_id,
        account_id=request.account_id,
        outcome=outcome,
        severity=evaluation.severity,
        reasons=_reasons(evaluation, state, policy),
        rules=evaluation.hits,
        scores=state.scores,
        measures=measures_in_force(state, clock),
        as_of=state.as_of,
        decided_at=decided_at,
        degraded=(*vector, *_missing_scores(state), *_odd_request(request, policy, decided_at), *evaluation.degraded),
        versions=Versions(state.catalogue, policy.version, state.models),
        review_id=state.reviews[-1] if state.reviews else None,
        holder_message=_holder_message(outcome, evaluation, policy),
        shadow_rules=evaluation.shadow_hits,
    )


def _unknown_vector(
    state: AccountState, request: DecisionRequest, policy: Policy, now: datetime
) -> tuple[Degraded, ...]:
    """Why the vector does not count as known, if it does not; its values are read as far as there are any."""
    least = f"at least {policy.floors.minimum(Unknown.VECTOR, request.type).word.replace('_', ' ')}."
    if state.as_of is None:
        without = f"Rules over the request, lists and holds alone; {least}"
        return (Degraded("vector", "No vector has been built for the account yet.", without),)
    used = f"The vector was used as far as it goes; {least}"
    age = now - state.as_of
    if age < timedelta(0):
        return (Degraded("vector", f"The vector is of {text_of(state.as_of)}, which has not come.", used),)
    if policy.floors.is_too_old(age, request.type):
        return (Degraded("vector", f"The vector is {age / _HOUR:.0f} hours old.", used),)
    missing = sorted(policy.features - state.vector.keys())
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return (Degraded("vector", f"The vector lacks {missing[0]}{more}, which rules read.", used),)
    if policy.catalogue is not None and state.catalogue != policy.catalogue:
        return (Degraded("vector", "Another version of the catalogue made the vector.", used),)
    return ()


def _missing_scores(state: AccountState) -> tuple[Degraded, ...]:
    scores = state.scores
    available = {
        "anomaly": scores.anomaly_p_value is not None,
        "violations": bool(scores.violation_probability),
        "m-score": scores.m_score is not None,
    }
    missing = ", ".join(name for name, is_available in available.items() if not is_available)
    return (Degraded("models", f"No score of {missing}.", "The other scores and the rules."),) if missing else ()


def _odd_request(request: DecisionRequest, policy: Policy, now: datetime) -> tuple[Degraded, ...]:
    odd: list[Degraded] = []
    if request.left_out:
        least = policy.floors.minimum(Unknown.REQUEST, request.type).word.replace("_", " ")
        names = " and no ".join(request.left_out)
        odd.append(Degraded("request", f"The {request.type} names no {names}.", f"At least {least}."))
    ahead = request.occurred_at - now
    if not -MAX_BEHIND <= ahead <= MAX_AHEAD:
        side = "ahead of" if ahead > MAX_AHEAD else "behind"
        reason = f"The request is dated {abs(ahead) / _HOUR:.1f} hours {side} the clock of the service."
        odd.append(Degraded("request_clock", reason, "What is in force was judged by the clock of the service."))
    return tuple(odd)


def _reasons(evaluation: Evaluation, state: AccountState, policy: Policy) -> tuple[Reason, ...]:
    rules = tuple(
        Reason(hit.rule_id, hit.says, hit.clause, policy.message_of(hit).is_internal) for hit in evaluation.hits
    )
    by_score = any(not policy.rule(hit.rule_id).when.fields.isdisjoint(SCORES) for hit in evaluation.hits)
    by_model = tuple(replace(reason, internal=True) for reason in state.score_reasons) if by_score else ()
    is_new = state.as_of is None
    not_scored = (Reason("not_scored", "The account has not been scored yet.", internal=True),) if is_new else ()
    return (*rules, *by_model, *not_scored)


def _holder_message(outcome: Outcome, evaluation: Evaluation, policy: Policy) -> str | None:
    """What the holder may be told: by the rule that decided, or that the request could not be checked completely."""
    if outcome < Outcome.STEP_UP:
        return None
    deciding = next((hit for hit in evaluation.hits if hit.outcome == outcome), None)
    return policy.message_of(deciding).text
