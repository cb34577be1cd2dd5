"""Builds the reviews that a scoring run calls for: one an account or coordinated group, with evidence and reasons."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

import pandas as pd

from features.definitions import CATALOGUE
from features.evidence import MAX_ROWS, Evidence, evidence_of_many
from features.pipeline import Features
from models.explanations.evidence import with_evidence
from models.explanations.explainer import Explainer, Explanation
from models.violations.model import ViolationModels
from serving.measures.model import ProposedMeasure
from serving.policy.book import Policy
from serving.policy.terms import RuleHit, Severity
from serving.record.model import Scores
from serving.reviews.model import AccountLink, EvidenceRow, Review, clauses_of
from serving.reviews.priority import UNKNOWN, priority_of
from serving.reviews.random_samples import WAYS, Draw

LINK_WEIGHT_OF_CONTROL = 3.0  # methods 3.1: weights add up to one controller at 3
GROUP_SCOPE = "symbol"
EPISODE = "episode:"
NOTHING_ASKED = "No rule asked for a review of this account."
REASONS_WITH_ROWS = 3
RECENT = ("sessions_n_7d", "in_usd_7d", "out_usd_7d", "trades_n_7d")
EPISODES_TABLE = "episodes"
SHARED = {"ip": "IP address", "address": "withdrawal address", "person": "verified person"}
BETWEEN = {
    "wash_pair": "met far more often than chance, or mostly each other:",
    "linked_trades": "traded with each other:",
    "round_trips": "traded to and fro:",
    "lockstep": "traded in the same seconds:",
    "transfer_loop": "sent money to each other, first in",
    "referral": "are linked by the referral of",
}


@dataclass(frozen=True, slots=True)
class Run:
    """What one scoring run knows: its moment, the features, the vectors by account, scores, explainers."""

    as_of: datetime
    features: Features
    vectors: pd.DataFrame
    scores: Mapping[str, Scores]
    explainers: Mapping[str, Explainer]
    policy: Policy


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What asks for a review: the rules that fired, for which accounts, and the episode if it was one; or a draw."""

    accounts: tuple[str, ...]
    hits: tuple[RuleHit, ...]
    episode: Mapping[str, Any] | None = None
    draw: Draw | None = None

    @property
    def worst(self) -> RuleHit | None:
        """The rule that names the review; None where it was drawn."""
        return max(self.hits, key=lambda hit: (hit.severity, hit.outcome), default=None)

    @property
    def severity(self) -> Severity:
        """How urgent it is."""
        return self.worst.severity if self.worst else Severity.LOW

    @property
    def typology(self) -> str:
        """What it may be."""
        return self.worst.typology if self.worst else UNKNOWN

    @property
    def title(self) -> str:
        """The case in a line."""
        return self.worst.title if self.worst else "Drawn to see what rules and models miss"

    @property
    def says(self) -> str:
        """Why it is a case, in sentences."""
        told = " ".join(dict.fromkeys(hit.says for hit in self.hits))
        return f"{NOTHING_ASKED} {WAYS[self.draw.way].says}" if self.draw else told


def build_reviews(run: Run, suspicions: Sequence[Suspicion]) -> Iterator[Review]:
    """One review a suspicion; rows and reasons are looked up for all of them together."""
    explanations = _explanations(run, suspicions)
    cited = [_cited(suspicion, explanations) for suspicion in suspicions]
    rows = _evidence(run, suspicions, cited)
    for suspicion, names in zip(suspicions, cited, strict=True):
        known = {
            account: explanations[account, suspicion.typology]
            for account in suspicion.accounts
            if (account, suspicion.typology) in explanations
        }
        if suspicion.episode is None:
            found = {name: rows[name][suspicion.accounts[0]] for name in names}
            yield _ranked(_account_review(run, suspicion, known, found))
        else:
            yield _ranked(_episode_review(run, suspicion, suspicion.episode, known))


def _ranked(review: Review) -> Review:
    return replace(review, priority=priority_of(review.typology, len(review.accounts), review.scores))


def _account_review(
    run: Run, suspicion: Suspicion, explanations: Mapping[str, Any], evidence: Mapping[str, Evidence]
) -> Review:
    (account,), hits, draw = suspicion.accounts, suspicion.hits, suspicion.draw
    key = f"account:{account}:{suspicion.typology}:{suspicion.severity.word}:{_day(run.as_of)}"
    return Review(
        review_id=_review_id(key),
        dedup_key=key,
        opened_at=run.as_of,
        severity=suspicion.severity,
        typology=suspicion.typology,
        clauses=clauses_of(hits),
        accounts=(account,),
        title=suspicion.title,
        summary=suspicion.says,
        rules=hits,
        scores=run.scores[account].to_json() if account in run.scores else {},
        evidence=_rows_of(run, evidence.values()),
        evidence_counts={name: one.counted for name, one in evidence.items()},
        proposed_measures=_proposals(run.policy, hits, (account,), None),
        links=_links_of(run, account),
        explanation=explanations.get(account, {}),
        explanations=explanations,
        selection={"way": draw.way, "probability": draw.probability} if draw else {},
    )


def _episode_review(
    run: Run, suspicion: Suspicion, episode: Mapping[str, Any], explanations: Mapping[str, Any]
) -> Review:
    accounts, hits, worst = suspicion.accounts, suspicion.hits, suspicion.worst
    started = datetime.fromtimestamp(episode["started_at"] / 1e6, UTC)
    found = f"{episode['pattern']}:{episode['symbol']}:{_day(started)}"
    key = f"{EPISODE}{found}:{suspicion.severity.word}:{','.join(accounts)}"
    symbol = str(episode["symbol"])
    place = f"in {symbol} at {started:%Y-%m-%d %H:%M:%S} UTC" if symbol else f"as of {started:%Y-%m-%d} UTC"
    return Review(
        review_id=_review_id(key),
        dedup_key=key,
        opened_at=run.as_of,
        severity=suspicion.severity,
        typology=suspicion.typology,
        clauses=clauses_of(hits),
        accounts=accounts,
        title=f"{suspicion.title}: {symbol}" if symbol else suspicion.title,
        summary=f"{len(accounts)} account{'s' if len(accounts) > 1 else ''} {place}. {worst.says if worst else ''}",
        coordinated=len(accounts) > 1,
        rules=hits,
        scores=_worst([run.scores[account] for account in accounts if account in run.scores]),
        evidence=_episode_rows(episode),
        evidence_counts={episode["pattern"]: episode["evidence_total"]},
        proposed_measures=_proposals(run.policy, hits, accounts, episode["symbol"]),
        links=tuple(
            AccountLink(a, b, kind, min(weight / LINK_WEIGHT_OF_CONTROL, 1.0), _link_sentence(kind, value))
            for a, b, kind, value, weight in episode["links"]
        ),
        explanation=next(iter(explanations.values()), {}),
        explanations=explanations,
    )


def _explanations(run: Run, suspicions: Sequence[Suspicion]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """By account and typology: of the violation's probability where a model knows it, else of the anomaly score."""
    asked: dict[str, list[str]] = defaultdict(list)
    for suspicion in suspicions:
        asked[suspicion.typology] += suspicion.accounts
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for typology, accounts in asked.items():
        rows = run.vectors[run.vectors["account_id"].isin(accounts)]
        explained = with_evidence(_explained(run, rows, typology), run.features)
        found |= {(one.account_id, typology): one.as_json() for one in explained}
    return found


def _explained(run: Run, rows: pd.DataFrame, typology: str) -> Sequence[Explanation]:
    violations = run.explainers.get("violations")
    if violations and isinstance(violations.model, ViolationModels) and typology in violations.model.typologies:
        return violations.explain(rows, typology)
    anomaly = run.explainers.get("anomaly")
    return anomaly.explain(rows) if anomaly else ()


def _cited(suspicion: Suspicion, explanations: Mapping[tuple[str, str], Mapping[str, Any]]) -> list[str]:
    """The features whose rows a reviewer wants to see: those the rules cite, then those that raised the score most.

    Of a drawn account whose score nothing raised: what it did in the last week.
    """
    if suspicion.episode is not None:
        return []
    names = [field for hit in suspicion.hits for field in hit.values if field in CATALOGUE]
    explanation = explanations.get((suspicion.accounts[0], suspicion.typology), {})
    raised = [part["feature"] for part in explanation.get("contributions", ()) if part["contribution"] > 0]
    recent = RECENT if suspicion.draw and not raised else ()
    return list(dict.fromkeys([*names, *raised[:REASONS_WITH_ROWS], *recent]))


def _evidence(
    run: Run, suspicions: Sequence[Suspicion], cited: Sequence[Sequence[str]]
) -> dict[str, dict[str, Evidence]]:
    """By feature and account: the rows behind the values."""
    asked: dict[str, list[str]] = defaultdict(list)
    for suspicion, names in zip(suspicions, cited, strict=True):
        for name in names:
            asked[name] += suspicion.accounts
    return {name: evidence_of_many(run.features, CATALOGUE[name], who, run.as_of) for name, who in asked.items()}


def _rows_of(run: Run, found: Iterable[Evidence]) -> tuple[EvidenceRow, ...]:
    """At most 20 rows, taken in turn from each cited feature; an episode is shown by the rows it rests on."""
    rows: dict[tuple[str, str, str], EvidenceRow] = {}
    for turn in zip_longest(*(list(_counted_rows(run, one)) for one in found)):
        for row in filter(None, turn):
            rows.setdefault((row.table, row.id, row.text), row)
    return tuple(rows.values())[:MAX_ROWS]


def _counted_rows(run: Run, evidence: Evidence) -> Iterator[EvidenceRow]:
    table = evidence.feature.of.evidence_table
    if table == EPISODES_TABLE:
        counted = evidence.rows.loc[evidence.rows["counted"], "row_id"]
        named = run.features.episodes_named(counted, run.as_of)
        for episode_id in counted:
            yield from _episode_rows(named[episode_id])
        return
    for row, text in zip(evidence.rows.to_dict("records"), evidence.row_sentences(), strict=True):
        if row["counted"]:
            yield EvidenceRow(table, str(row["row_id"]), row["time"].to_pydatetime(), text)


def _episode_rows(episode: Mapping[str, Any]) -> tuple[EvidenceRow, ...]:
    return tuple(
        EvidenceRow(table, row_id, datetime.fromtimestamp(at / 1e6, UTC), text)
        for table, row_id, at, text in episode["evidence"]
    )


def _links_of(run: Run, account: str) -> tuple[AccountLink, ...]:
    links = run.features.links(account, run.as_of)
    return tuple(
        AccountLink(
            account,
            link["other_id"],
            link["kind"],
            min(link["weight"] / 1_000 / LINK_WEIGHT_OF_CONTROL, 1.0),
            _link_sentence(link["kind"], link["row_id"]),
        )
        for link in links
    )


def _link_sentence(kind: str, value: str) -> str:
    """What links the accounts: something they share, or something they do with each other."""
    if kind in BETWEEN:
        return f"{BETWEEN[kind]} {value}".strip()
    return f"share the {SHARED.get(kind, kind.replace('_', ' '))} {value}"


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
