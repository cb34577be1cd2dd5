"""Which decisions a person must look at, and the review that opens for them."""

from collections.abc import Sequence
from datetime import UTC

from features.kernel.moments import text_of
from serving.decisions.model import Decision
from serving.decisions.request import DecisionRequest
from serving.measures.model import ProposedMeasure
from serving.policy.book import Policy
from serving.policy.terms import RuleHit
from serving.reviews.model import EvidenceRow, Review, clauses_of
from serving.reviews.priority import priority_of


def review_of_decision(decision: Decision, request: DecisionRequest, policy: Policy) -> Review | None:
    """The review a decision calls for, or None.

    A person must look where a rule asks for it or proposes a measure only a person may impose; a cooling-off period or
    a missing verification explains itself to the account holder. As in a scoring run, account, typology and day name
    the suspicion.
    """
    asking = {hit.rule_id: hit for hit in decision.rules if policy.rule(hit.rule_id).opens_review}
    if not asking:
        return None
    hits = tuple(asking.values())
    worst = max(hits, key=lambda hit: (hit.severity, hit.outcome))
    proposals = dict.fromkeys(proposal for rule_id in asking for proposal in policy.rule(rule_id).proposes)
    day = decision.decided_at.astimezone(UTC).date().isoformat()
    return Review(
        review_id=f"rev_{decision.decision_id}",
        dedup_key=f"account:{decision.account_id}:{worst.typology}:{worst.severity.word}:{day}",
        opened_at=decision.decided_at,
        severity=worst.severity,
        typology=worst.typology,
        clauses=clauses_of(hits),
        accounts=(decision.account_id,),
        title=f"{worst.title}, at a {request.type}",
        summary=_summary(decision, request, hits),
        rules=hits,
        scores=decision.scores.to_json(),
        priority=priority_of(worst.typology, 1, decision.scores.to_json()),
        evidence=(EvidenceRow("decisions", decision.decision_id, decision.decided_at, _asked(request)),),
        proposed_measures=tuple(ProposedMeasure(p.measure, (decision.account_id,), p.days, p.scope) for p in proposals),
    )


def _asked(request: DecisionRequest) -> str:
    amount = f" of {request.amount_usd} USD" if request.amount_usd is not None else ""
    return f"The account asked for a {request.type}{amount} at {text_of(request.occurred_at)}."


def _summary(decision: Decision, request: DecisionRequest, rules: Sequence[RuleHit]) -> str:
    fired = ", ".join(rule.title for rule in rules)
    return f"{_asked(request)} The answer was {decision.outcome.word}. Fired: {fired}."
