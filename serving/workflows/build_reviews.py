"""Builds the reviews that a scoring run calls for: one an account or coordinated group, with evidence and reasons."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from features.definitions import CATALOGUE
from features.pipeline import EVIDENCE_ROWS, Features
from models.evidence import with_evidence
from models.explanations import Explainer
from models.violations import ViolationModels
from serving.account_state import Scores
from serving.policy.book import Policy
from serving.policy.terms import RuleHit
from serving.reviews.case import AccountLink, EvidenceRow, ProposedMeasure, Review, clauses_of

LINK_WEIGHT_OF_CONTROL = 3.0  # methods 3.1: weights add up to one controller at 3
GROUP_SCOPE = "symbol"


@dataclass(frozen=True, slots=True)
class Run:
    """What one scoring run knows: its moment, the features, the vectors by account, scores, explainers."""

    as_of: datetime
    features: Features
    vectors: pd.DataFrame
    scores: Mapping[str, Scores]
    explainers: Mapping[str, Explainer]
    policy: Policy


def account_review(run: Run, account: str, hits: Sequence[RuleHit]) -> Review:
    """The review of one account for the rules that asked for it."""
    worst = max(hits, key=lambda hit: (hit.severity, hit.outcome))
    key = f"account:{account}:{worst.typology}:{_day(run.as_of)}"
    evidence = _evidence_of_rules(run, account, hits)
    explanation = explained(run, account, worst.typology)
    return Review(
        review_id=_review_id(key),
        dedup_key=key,
        opened_at=run.as_of,
        severity=worst.severity,
        typology=worst.typology,
        clauses=clauses_of(hits),
        accounts=(account,),
        title=worst.title,
        summary=" ".join(dict.fromkeys(hit.says for hit in hits)),
        rules=tuple(hits),
        scores=run.scores[account].to_json() if account in run.scores else {},
        evidence=evidence,
        proposed_measures=_proposals(run.policy, hits, (account,), None),
        links=_links_of(run, account),
        explanation=explanation,
        explanations={account: explanation} if explanation else {},
    )


def episode_review(run: Run, episode: Mapping[str, Any], hits: Sequence[RuleHit]) -> Review:
    """One review for all the accounts of a coordinated episode."""
    worst = max(hits, key=lambda hit: (hit.severity, hit.outcome))
    accounts = tuple(episode["accounts"])
    key = f"episode:{episode['episode_id']}"
    explanations = {account: explained(run, account, worst.typology) for account in accounts}
    known = {account: explanation for account, explanation in explanations.items() if explanation}
    started = datetime.fromtimestamp(episode["started_at"] / 1e6, UTC)
    place = f"in {episode['symbol']} at {started:%Y-%m-%d %H:%M:%S} UTC"
    return Review(
        review_id=_review_id(key),
        dedup_key=key,
        opened_at=run.as_of,
        severity=worst.severity,
        typology=worst.typology,
        clauses=clauses_of(hits),
        accounts=accounts,
        title=f"{worst.title}: {episode['symbol']}",
        summary=f"{len(accounts)} accounts {place}. {worst.says}",
        coordinated=len(accounts) > 1,
        rules=tuple(hits),
        scores=_worst([run.scores[account] for account in accounts if account in run.scores]),
        evidence=tuple(
            EvidenceRow(table, row_id, datetime.fromtimestamp(at / 1e6, UTC), text)
            for table, row_id, at, text in json.loads(episode["evidence"])[:EVIDENCE_ROWS]
        ),
        proposed_measures=_proposals(run.policy, hits, accounts, episode["symbol"]),
        links=tuple(
            AccountLink(a, b, kind, min(weight / LINK_WEIGHT_OF_CONTROL, 1.0), f"share the {_worded(kind)} {value}")
            for a, b, kind, value, weight in json.loads(episode["links"])
        ),
        explanation=next(iter(known.values()), {}),
        explanations=known,
    )


def explained(run: Run, account: str, typology: str) -> Mapping[str, Any]:
    """The explanation of the violation's probability where a model knows the typology, else of the anomaly score."""
    row = run.vectors[run.vectors["account_id"] == account]
    if row.empty:
        return {}
    violations = run.explainers.get("violations")
    if violations and isinstance(violations.model, ViolationModels) and typology in violations.model.typologies:
        return with_evidence(violations.explain(row, typology)[0], run.features).as_json()
    anomaly = run.explainers.get("anomaly")
    return with_evidence(anomaly.explain(row)[0], run.features).as_json() if anomaly else {}


def _evidence_of_rules(run: Run, account: str, hits: Iterable[RuleHit]) -> tuple[EvidenceRow, ...]:
    """The rows behind the values that the rules cite, each rule's first."""
    names = dict.fromkeys(field for hit in hits for field in hit.values if field in CATALOGUE)
    rows: dict[tuple[str, str], EvidenceRow] = {}
    for name in names:
        found = run.features.evidence(CATALOGUE[name], account, run.as_of)
        sentences = found.row_sentences()
        for row, text in zip(found.rows.to_dict("records"), sentences, strict=True):
            key = (found.feature.of.evidence_table, str(row["row_id"]))
            if row["counted"] and key not in rows and len(rows) < EVIDENCE_ROWS:
                rows[key] = EvidenceRow(*key, row["time"].to_pydatetime(), text)
    return tuple(rows.values())


def _links_of(run: Run, account: str) -> tuple[AccountLink, ...]:
    links = run.features.links(account, run.as_of)
    return tuple(
        AccountLink(
            account,
            link["other_id"],
            link["kind"],
            min(link["weight"] / 1_000 / LINK_WEIGHT_OF_CONTROL, 1.0),
            f"share the {_worded(link['kind'])} {link['row_id']}",
        )
        for link in links
    )


def _worded(kind: str) -> str:
    return {"ip": "IP address", "address": "withdrawal address"}.get(kind, kind.replace("_", " "))


def _proposals(
    policy: Policy, hits: Iterable[RuleHit], accounts: tuple[str, ...], symbol: str | None
) -> tuple[ProposedMeasure, ...]:
    proposals = dict.fromkeys(p for hit in hits for p in policy.rule(hit.rule_id).proposes)
    return tuple(
        ProposedMeasure(p.measure, accounts, p.days, symbol if p.scope == GROUP_SCOPE and symbol else p.scope)
        for p in proposals
    )


def _worst(scores: Sequence[Scores]) -> Mapping[str, Any]:
    """The most worrying score of a group, each on its own."""
    if not scores:
        return {}
    typologies = dict.fromkeys(name for one in scores for name in one.violation_probability)
    return {
        "anomaly_score": max((s.anomaly_score for s in scores if s.anomaly_score is not None), default=None),
        "anomaly_p_value": min((s.anomaly_p_value for s in scores if s.anomaly_p_value is not None), default=None),
        "violation_probability": {t: max(s.violation_probability.get(t, 0.0) for s in scores) for t in typologies},
        "m_score": min((s.m_score for s in scores if s.m_score is not None), default=None),
    }


def _review_id(key: str) -> str:
    return f"rev_{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
