"""Builds the reviews that a scoring run calls for: one an account or coordinated group, with evidence and reasons."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
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
from serving.reviews.random_samples import SAMPLING_METHODS, SampledAccount

MAX_BACK = timedelta(hours=26)
LINK_WEIGHT_OF_CONTROL = 3.0  # docs/methods.md#account-links: weights add up to one controller at 3
GROUP_SCOPE = "symbol"
EPISODE = "episode:"
NOTHING_ASKED = "No rule asked for a review of this account."
REASONS_WITH_ROWS = 3
RECENT = ("sessions_n_7d", "in_usd_7d", "out_usd_7d", "trades_n_7d")
EPISODES_TABLE = "episodes"
SHARED = {"ip": "IP address", "address": "withdrawal address", "person": "verified person"}
BETWEEN = {
    "wash_pair": "traded with each other far more often than by chance, or mostly with each other:",
    "linked_trades": "traded with each other:",
    "round_trips": "traded to and fro:",
    "lockstep": "traded in the same seconds:",
    "transfer_loop": "sent money to each other, first in",
    "referral": "are linked by the referral of",
}


@dataclass(frozen=True, slots=True)
class Run:
    """The inputs of one scoring run: its moment, the features, the vectors by account, scores, explainers.

    `now` is the moment by the clock of the service at which its cases are opened.
    """

    as_of: datetime
    now: datetime
    features: Features
    vectors: pd.DataFrame
    scores: Mapping[str, Scores]
    explainers: Mapping[str, Explainer]
    policy: Policy

    @property
    def is_back_dated(self) -> bool:
        """Whether the moment lies so far before the clock that what is in force now cannot follow from it."""
        return self.now - self.as_of > MAX_BACK


@dataclass(frozen=True, slots=True)
class CaseCandidate:
    """Accounts that may become a case, with the rules that fired and the episode if it is one; or a random sample."""

    accounts: tuple[str, ...]
    hits: tuple[RuleHit, ...]
    episode: Mapping[str, Any] | None = None
    sample: SampledAccount | None = None

    @property
    def worst(self) -> RuleHit | None:
        """The rule that names the review; None for a random sample."""
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
        return self.worst.title if self.worst else "Random sample: shows what rules and models miss"

    @property
    def says(self) -> str:
        """Why it is a case, in sentences."""
        reasons = " ".join(dict.fromkeys(hit.says for hit in self.hits))
        return f"{NOTHING_ASKED} {SAMPLING_METHODS[self.sample.method].says}" if self.sample else reasons


def build_reviews(run: Run, candidates: Sequence[CaseCandidate]) -> Iterator[Review]:
    """One review per candidate; rows and reasons are read for all of them together."""
    explanations = _explanations(run, candidates)
    cited = [_cited(candidate, explanations) for candidate in candidates]
    rows = _evidence(run, candidates, cited)
    for candidate, names in zip(candidates, cited, strict=True):
        explained = {
            account: explanations[account, candidate.typology]
            for account in candidate.accounts
            if (account, candidate.typology) in explanations
        }
        if candidate.episode is None:
            evidence = {name: rows[name][candidate.accounts[0]] for name in names}
            yield _ranked(_account_review(run, candidate, explained, evidence))
        else:
            yield _ranked(_episode_review(run, candidate, candidate.episode, explained))


def _ranked(review: Review) -> Review:
    return replace(review, priority=priority_of(review.typology, len(review.accounts), review.scores))


def _account_review(
    run: Run, candidate: CaseCandidate, explanations: Mapping[str, Any], evidence: Mapping[str, Evidence]
) -> Review:
    (account,), hits, sample = candidate.accounts, candidate.hits, candidate.sample
    key = f"account:{account}:{candidate.typology}:{candidate.severity.word}:{_day(run.as_of)}"
    shown = _rows_of(run, evidence.values())
    return Review(
        review_id=_review_id(key),
        dedup_key=key,
        opened_at=run.now,
        happened_at=max((row.ts for row in shown), default=None),
        as_of=run.as_of,
        severity=candidate.severity,
        typology=candidate.typology,
        clauses=clauses_of(hits),
        accounts=(account,),
        title=candidate.title,
        summary=candidate.says,
        rules=hits,
        scores=run.scores[account].to_json() if account in run.scores else {},
        evidence=shown,
        evidence_counts={name: rows.counted for name, rows in evidence.items()},
        proposed_measures=_proposals(run.policy, hits, (account,), None),
        links=_links_of(run, account),
        explanation=explanations.get(account, {}),
        explanations=explanations,
        selection={"way": sample.method, "probability": sample.probability} if sample else {},
    )


def _episode_review(
    run: Run, candidate: CaseCandidate, episode: Mapping[str, Any], explanations: Mapping[str, Any]
) -> Review:
    accounts, hits, worst = candidate.accounts, candidate.hits, candidate.worst
    started = datetime.fromtimestamp(episode["started_at"] / 1e6, UTC)
    episode_key = f"{episode['pattern']}:{episode['symbol']}:{_day(started)}"
    key = f"{EPISODE}{episode_key}:{candidate.severity.word}:{','.join(accounts)}"
    symbol = str(episode["symbol"])
    place = f"in {symbol} at {started:%Y-%m-%d %H:%M:%S} UTC" if symbol else f"as of {started:%Y-%m-%d} UTC"
    return Review(
        review_id=_review_id(key),
        dedup_key=key,
        opened_at=run.now,
        happened_at=datetime.fromtimestamp(episode["ended_at"] / 1e6, UTC),
        symbol=symbol or None,
        as_of=run.as_of,
        severity=candidate.severity,
        typology=candidate.typology,
        clauses=clauses_of(hits),
        accounts=accounts,
        title=f"{candidate.title}: {symbol}" if symbol else candidate.title,
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


def _explanations(run: Run, candidates: Sequence[CaseCandidate]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """By account and typology: of the violation's probability where a model knows it, else of the anomaly score."""
    accounts_by_typology: dict[str, list[str]] = defaultdict(list)
    for candidate in candidates:
        accounts_by_typology[candidate.typology] += candidate.accounts
    explanations: dict[tuple[str, str], Mapping[str, Any]] = {}
    for typology, accounts in accounts_by_typology.items():
        rows = run.vectors[run.vectors["account_id"].isin(accounts)]
        explained = with_evidence(_explained(run, rows, typology), run.features)
        explanations |= {(explanation.account_id, typology): explanation.as_json() for explanation in explained}
    return explanations


def _explained(run: Run, rows: pd.DataFrame, typology: str) -> Sequence[Explanation]:
    violations = run.explainers.get("violations")
    if violations and isinstance(violations.model, ViolationModels) and typology in violations.model.typologies:
        return violations.explain(rows, typology)
    anomaly = run.explainers.get("anomaly")
    return anomaly.explain(rows) if anomaly else ()


def _cited(candidate: CaseCandidate, explanations: Mapping[tuple[str, str], Mapping[str, Any]]) -> list[str]:
    """The features whose rows a reviewer wants to see: those the rules cite, then those that raised the score most.

    Of a sampled account whose score no feature raised: what it did in the last week.
    """
    if candidate.episode is not None:
        return []
    names = [field for hit in candidate.hits for field in hit.values if field in CATALOGUE]
    explanation = explanations.get((candidate.accounts[0], candidate.typology), {})
    raised = [part["feature"] for part in explanation.get("contributions", ()) if part["contribution"] > 0]
    recent = RECENT if candidate.sample and not raised else ()
    return list(dict.fromkeys([*names, *raised[:REASONS_WITH_ROWS], *recent]))


def _evidence(
    run: Run, candidates: Sequence[CaseCandidate], cited: Sequence[Sequence[str]]
) -> dict[str, dict[str, Evidence]]:
    """By feature and account: the rows behind the values."""
    accounts_by_feature: dict[str, list[str]] = defaultdict(list)
    for candidate, names in zip(candidates, cited, strict=True):
        for name in names:
            accounts_by_feature[name] += candidate.accounts
    return {
        name: evidence_of_many(run.features, CATALOGUE[name], who, run.as_of)
        for name, who in accounts_by_feature.items()
    }


def _rows_of(run: Run, evidence: Iterable[Evidence]) -> tuple[EvidenceRow, ...]:
    """At most 20 rows, taken in turn from each cited feature; an episode is shown by the rows it rests on."""
    rows: dict[tuple[str, str, str], EvidenceRow] = {}
    for turn in zip_longest(*(list(_counted_rows(run, feature_evidence)) for feature_evidence in evidence)):
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
    """The most severe value of each score in a group."""
    if not scores:
        return {}
    typologies = dict.fromkeys(name for account_scores in scores for name in account_scores.violation_probability)
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
