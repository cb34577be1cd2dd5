"""Scores every account at a moment: vectors, models, rules; stores the states and opens the reviews called for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from features.activity.lake import Lake
from features.definitions import CATALOGUE
from features.kernel.errors import Invalid
from features.kernel.moments import moment_of, text_of
from features.kernel.progress import Progress
from features.pipeline import Features
from features.restrictions import restrictions_as_of
from models.anomaly import model as anomaly
from models.explanations.explainer import Explainer
from models.m_score import model as m_score
from models.registry.registry import LoadedModel, Registry
from models.violations import model as violations
from serving.decisions.fields import Clock, account_fields
from serving.measures.automatic import started_by
from serving.measures.model import ImposedMeasure
from serving.measures.service import start
from serving.policy.book import Policy
from serving.policy.evaluation import Fields, evaluate
from serving.policy.rules import ACCOUNT
from serving.policy.terms import RuleHit
from serving.record.model import AccountFacts, AccountState, Scores
from serving.record.service import RECORDED, account_facts, facts_of_all_accounts, measures_imposed
from serving.record.store import AccountStates
from serving.reviews.model import Review
from serving.reviews.opening import CaseCandidate, Run, build_reviews
from serving.reviews.random_samples import sampled_accounts
from serving.reviews.store import ReviewLog
from serving.scoring.reasons import strongest_reasons
from serving.scoring.store import LAST_RUN
from serving.storage import Database, Transaction
from serving.storage.service_state import ServiceState

MODELS = (anomaly.KIND, violations.KIND, m_score.KIND)
MAX_GROWTH = 1.5
FIRST_LOOK_BACK = timedelta(days=7)
MAX_SINCE_EPISODE = timedelta(hours=48)
"""How long after an episode a case that becomes known still starts measures by itself."""


@dataclass(frozen=True, slots=True)
class ScoringReport:
    """What a run did: accounts scored, reviews opened or already known, and what was missing."""

    as_of: datetime
    lake_version: str
    accounts: int
    opened: tuple[str, ...]
    already_known: tuple[str, ...]
    models: Mapping[str, str]
    measures_started: int = 0
    notes: tuple[str, ...] = field(default=())
    ceilings: tuple[Mapping[str, Any], ...] = field(default=())


def score_accounts(
    as_of: datetime,
    lake: Lake,
    registry: Registry,
    policy: Policy,
    database: Database,
    progress: Progress,
    now: datetime | None = None,
) -> ScoringReport:
    """Scores all accounts visible at a moment; running it again at the same moment changes nothing.

    Args:
        as_of: the moment.
        lake: the activity.
        registry: where the champions are.
        policy: the rules.
        database: where states and reviews are stored.
        progress: is told how far the run is.
        now: the moment by the clock of the service, at which cases are opened and measures start; by default the
            moment of the run. An earlier run that is dated later does not count. A run more than 26 hours before it
            is back-dated: it opens cases and starts no measure.
    """
    features = Features(lake, progress)
    spine = features.accounts(as_of)
    if spine.empty:
        raise Invalid(f"No account exists at {text_of(as_of)}; the lake knows none that was created before.")
    vectors = features.vectors(spine)
    models, notes = _champions(registry)
    progress(f"scoring {len(vectors):,} accounts", 0.6)
    scores = _scores(vectors, models)
    states = account_states(features, vectors, scores, models, as_of)
    silent_days = (as_of - features.span()[1].to_pydatetime()).days
    if silent_days > 0:
        notes.append(f"The activity ends {silent_days} days before this moment; until an import it looks like silence.")
    run = Run(as_of, now or as_of, features, vectors, scores, _explainers(models), policy)
    if run.is_back_dated:
        notes.append(f"Back-dated: the clock shows {text_of(run.now)}. Cases are opened and no measure starts.")
    with database.reading() as transaction:
        last = _last_run(transaction, as_of, now, notes)
    progress("asking the rules", 0.7)
    candidates = asking(features, policy, states, as_of, last)
    progress(f"preparing {len(candidates)} reviews", 0.8)
    reviews = list(build_reviews(run, candidates))
    if last is None or moment_of(last["as_of"]) < as_of:
        reviews += build_reviews(run, _sampled(run, reviews, database))
    return _store(database, states, reviews, run, models, notes, last)


def _last_run(transaction: Transaction, as_of: datetime, now: datetime | None, notes: list[str]) -> Any:
    """The run before, if it counts; what follows from its moment is added to the notes."""
    last = ServiceState(transaction).get(LAST_RUN)
    if last is None:
        return None
    ended = moment_of(last["as_of"])
    if now is not None and ended > now:
        notes.append(f"An earlier run was dated {text_of(ended)}, which has not come: what it stored is replaced.")
        return None
    if ended > as_of:
        notes.append(f"The scores of {text_of(ended)} are newer and stay; this run only looks for cases.")
    return last


def _champions(registry: Registry) -> tuple[dict[str, LoadedModel], list[str]]:
    models: dict[str, LoadedModel] = {}
    notes: list[str] = []
    for name in MODELS:
        loaded, note = registry.load_usable(name, CATALOGUE)
        if note:
            notes.append(note)
        if loaded is not None:
            models[name] = loaded
    return models, notes


def _scores(vectors: pd.DataFrame, models: Mapping[str, LoadedModel]) -> dict[str, Scores]:
    predicted = pd.DataFrame({"account_id": vectors["account_id"]})
    for loaded in models.values():
        predicted = predicted.join(loaded.model.predict(vectors))
    prefix = "violation_probability_"
    typologies = [name for name in predicted.columns if name.startswith(prefix)]
    return {
        row["account_id"]: Scores(
            row.get("anomaly_score"),
            row.get("anomaly_p_value"),
            {name.removeprefix(prefix): float(row[name]) for name in typologies},
            row.get("m_score"),
        )
        for row in predicted.to_dict("records")
    }


def account_states(
    features: Features,
    vectors: pd.DataFrame,
    scores: Mapping[str, Scores],
    models: Mapping[str, LoadedModel],
    as_of: datetime,
) -> list[AccountState]:
    """What decisions read about each account of the vectors: its vector, scores, and the restrictions in force."""
    restrictions = restrictions_as_of(features, as_of)
    facts, common, measures = (
        account_facts(restrictions),
        facts_of_all_accounts(restrictions),
        measures_imposed(restrictions),
    )
    reasons = strongest_reasons(vectors, models, CATALOGUE)
    names = list(CATALOGUE.names)
    values = vectors[names].to_numpy(dtype=float).tolist()
    versions = {name: loaded.version for name, loaded in models.items()}
    return [
        AccountState(
            account_id=account,
            as_of=as_of,
            vector=dict(zip(names, row, strict=True)),
            scores=scores.get(account, Scores()),
            facts=facts.get(account, common),
            measures=measures.get(account, ()),
            score_reasons=reasons.get(account, ()),
            catalogue=CATALOGUE.fingerprint,
            models=versions,
        )
        for account, row in zip(vectors["account_id"], values, strict=True)
    ]


def _explainers(models: Mapping[str, LoadedModel]) -> dict[str, Explainer]:
    explained = (anomaly.KIND, violations.KIND)
    return {
        name: Explainer(models[name].model, name, models[name].version, CATALOGUE)
        for name in explained
        if name in models
    }


def asking(
    features: Features,
    policy: Policy,
    states: list[AccountState],
    as_of: datetime,
    last: Mapping[str, Any] | None = None,
) -> list[CaseCandidate]:
    """What the rules want a person to review, the most severe first, so that a weaker candidate joins the open review.

    Args:
        last: the run before (`as_of`, `lake_version`): episodes known since then are new; without it those of 7 days.
    """
    candidates = [*_episodes_asking(features, policy, as_of, last), *_accounts_asking(policy, states, as_of)]
    return sorted(candidates, key=lambda candidate: -candidate.severity)


def _sampled(run: Run, reviews: Sequence[Review], database: Database) -> list[CaseCandidate]:
    """Random samples of the accounts that are not under review, in proportion to the new reviews."""
    with database.reading() as transaction:
        busy = ReviewLog(transaction).accounts_under_review().union(*(review.accounts for review in reviews))
        new = [
            review
            for review in reviews
            if ReviewLog(transaction).id_of(review.dedup_key) is None and open_review_of(transaction, review) is None
        ]
    return [
        CaseCandidate((sample.account,), (), sample=sample)
        for sample in sampled_accounts(run.vectors, run.scores, busy, len(new))
    ]


def _accounts_asking(policy: Policy, states: list[AccountState], as_of: datetime) -> Iterator[CaseCandidate]:
    """The accounts for which a rule wants a person to look, with the rules that do."""
    clock = Clock.of(as_of, as_of)
    for state in states:
        wanting = _wanting(policy, ACCOUNT, account_fields(state, clock), as_of)
        if wanting:
            yield CaseCandidate((state.account_id,), wanting)


def _episodes_asking(features: Features, policy: Policy, as_of: datetime, last: Any) -> Iterator[CaseCandidate]:
    """Episodes known since the last run for which a rule wants a review; at first, or after an import, in 7 days.

    However long ago the last run was, no day between is left out.
    """
    since = as_of - FIRST_LOOK_BACK
    if last is not None and moment_of(last["as_of"]) < as_of:
        is_same_lake = last["lake_version"] == features.activity.version
        since = moment_of(last["as_of"]) if is_same_lake else min(since, moment_of(last["as_of"]))
    for episode in features.episodes(since, as_of):
        wanting = _wanting(policy, str(episode["pattern"]), episode["measures"], as_of)
        if wanting:
            yield CaseCandidate(tuple(episode["accounts"]), wanting, episode)


def _wanting(policy: Policy, subject: str, fields: Fields, as_of: datetime) -> tuple[RuleHit, ...]:
    hits = evaluate(policy, subject, fields, as_of.date()).hits
    return tuple(hit for hit in hits if policy.rule(hit.rule_id).opens_review)


def _store(
    database: Database,
    states: list[AccountState],
    reviews: list[Review],
    run: Run,
    models: Mapping[str, LoadedModel],
    notes: list[str],
    last: Any,
) -> ScoringReport:
    versions = {name: loaded.version for name, loaded in models.items()}
    opened: list[str] = []
    already_known: list[str] = []
    started = 0
    with database.transaction() as transaction:
        if last is None or moment_of(last["as_of"]) <= run.as_of:
            AccountStates(transaction).upsert(_without_the_record(transaction, states), run.now)
            version = {"as_of": text_of(run.as_of), "lake_version": run.features.activity.version, "models": versions}
            ServiceState(transaction).put(LAST_RUN, {**version, "accounts": len(states)}, run.now)
        for review in reviews:
            earlier = open_review_of(transaction, review)
            if earlier is None and ReviewLog(transaction).open(review):
                opened.append(review.review_id)
                started += start(transaction, _starting(run, review))
            else:
                already_known.append(earlier or ReviewLog(transaction).id_of(review.dedup_key) or review.review_id)
    return ScoringReport(
        as_of=run.as_of,
        lake_version=run.features.activity.version,
        accounts=len(states),
        opened=tuple(opened),
        already_known=tuple(dict.fromkeys(review_id for review_id in already_known if review_id not in opened)),
        models=versions,
        measures_started=started,
        notes=tuple(notes),
        ceilings=tuple(run.features.ceilings()),
    )


def _starting(run: Run, review: Review) -> list[ImposedMeasure]:
    """What the rules of a new case start at once, unless it is about what is long over."""
    is_old = review.happened_at is None or run.now - review.happened_at > MAX_SINCE_EPISODE
    if run.is_back_dated or is_old:
        return []
    rules = [run.policy.rule(hit.rule_id) for hit in review.rules]
    return started_by(rules, review.review_id, review.accounts, review.symbol, run.now)


def _without_the_record(transaction: Transaction, states: list[AccountState]) -> list[AccountState]:
    """The states without what decisions read from the record, where there is one: it is never copied to an account."""
    if ServiceState(transaction).get(RECORDED) is None:
        return states
    return [replace(state, facts=AccountFacts(kyc_level=state.facts.kyc_level), measures=()) for state in states]


def open_review_of(transaction: Transaction, review: Review) -> str | None:
    """The open review that covers these accounts for this typology with at least this severity, if there is one.

    A group that only grows stays one case until it has grown by more than half.
    """
    members = set(review.accounts)
    in_progress = ReviewLog(transaction).open_reviews_and_measures(review.accounts).values()
    for review_id in sorted(
        {
            open_review.review_id
            for account_reviews in in_progress
            for open_review in account_reviews.open_reviews
            if open_review.covers(review)
        }
    ):
        reviewed = set(ReviewLog(transaction).get(review_id).accounts)
        if members <= reviewed or (reviewed < members and len(members) <= MAX_GROWTH * len(reviewed)):
            return review_id
    return None
