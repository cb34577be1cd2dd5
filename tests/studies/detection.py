"""What the rules find on unseen seeds (`make gates`): recall and precision a typology at an alert budget, and whom not.

Run as `python -m tests.studies.detection --profile small --seeds 1-10`. Every week the rules ask for reviews as a
scoring run would, without models. An alert is one review: of an account, or of a whole group. The budget is `--budget`
alerts a typology, a day and a thousand accounts, spent on the gravest first; among equals the draw is seeded. The same
accounts for the same typology are one alert, however often they come back. Seeds below 100 are for this evaluation
alone.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from features.activity.snapshot import Activity
from features.kernel.console import table
from features.pipeline import Features
from features.simulator.exchange import Simulation, simulate
from features.simulator.profiles import PROFILES, Profile
from serving.commands.rulebook import load_policy
from serving.decisions.fields import Clock, account_fields
from serving.policy.book import Policy
from serving.policy.evaluation import evaluate
from serving.policy.rules import ACCOUNT
from serving.policy.terms import Outcome, Severity
from serving.record.model import AccountState
from serving.reviews.opening import CaseCandidate
from serving.scoring.service import account_states, asking
from tests.studies.account_weeks import NEITHER
from tests.studies.seeds import seeds

WEEK = pd.Timedelta(days=7)
ENOUGH_UNITS = 30
MOST_GRAVE_LOOK_ALIKES = 0.001
PER_ACCOUNTS = 1_000


@dataclass(frozen=True, slots=True)
class Alert:
    """One review that the rules asked for: whom, for what, how grave, and when."""

    typology: str
    severity: Severity
    accounts: frozenset[str]
    at: pd.Timestamp


@dataclass(slots=True)
class Tally:
    """Counts of one typology over seeds."""

    units: int = 0
    found: int = 0
    alerts: int = 0
    right: int = 0
    guilty_of_something: int = 0
    look_alikes: int = 0
    alarmed: int = 0
    grave: int = 0


@dataclass(slots=True)
class Result:
    """Tallies by typology, and how many weeks of honest look-alikes there were and were held for grave."""

    by_typology: dict[str, Tally] = field(default_factory=dict)
    weeks: int = 0
    grave_weeks: int = 0

    def of(self, typology: str) -> Tally:
        """The tally of a typology, begun where there is none."""
        return self.by_typology.setdefault(typology, Tally())


def evaluate_seeds(profile: Profile, numbers: Iterable[int], budget: float, policy: Policy) -> Result:
    """The rules on every seed, pooled."""
    result = Result()
    for seed in numbers:
        run = simulate(profile, seed)
        alerts, weeks = alerts_of(run, policy)
        allowed = round(budget * profile.days * profile.accounts / PER_ACCOUNTS)
        _count(result, run, within_budget(alerts, allowed, seed), alerts, weeks)
    return result


def alerts_of(run: Simulation, policy: Policy) -> tuple[list[Alert], int]:
    """Every alert of weekly runs over a simulated exchange, the first of each kind, and the number of runs."""
    features = Features(Activity.from_frames(run.activity, version="gates"))
    first, last = features.span()
    moments = list(pd.date_range(first.floor("D") + WEEK, last.ceil("D"), freq=WEEK))
    seen: set[tuple[str, frozenset[str]]] = set()
    alerts: list[Alert] = []
    before = None
    for moment in moments:
        vectors = features.vectors(features.accounts(moment))
        at = moment.to_pydatetime()
        states = account_states(features, vectors, {}, {}, at)
        wanted = [*asking(features, policy, states, at, before), *_refused(policy, states, at)]
        for alert in (alert for suspicion in wanted for alert in _alerts(suspicion, moment)):
            if (alert.typology, alert.accounts) not in seen:
                seen.add((alert.typology, alert.accounts))
                alerts.append(alert)
        before = {"as_of": at.isoformat(), "lake_version": features.activity.version}
    return alerts, len(moments)


def _refused(policy: Policy, states: list[AccountState], at: datetime) -> Iterator[CaseCandidate]:
    """Accounts that a rule holds or blocks at once: what law and lists decide needs no review."""
    clock = Clock.of(at, at)
    for state in states:
        hits = evaluate(policy, ACCOUNT, account_fields(state, clock), at.date()).hits
        refused = tuple(hit for hit in hits if hit.outcome > Outcome.REVIEW)
        if refused:
            yield CaseCandidate((state.account_id,), refused)


def _alerts(suspicion: CaseCandidate, moment: pd.Timestamp) -> Iterator[Alert]:
    for typology in {hit.typology for hit in suspicion.hits}:
        gravest = max(hit.severity for hit in suspicion.hits if hit.typology == typology)
        yield Alert(typology, gravest, frozenset(suspicion.accounts), moment)


def within_budget(alerts: list[Alert], allowed: int, seed: int) -> list[Alert]:
    """The gravest alerts of each typology, as many as are allowed."""
    random = np.random.default_rng(seed)
    kept: list[Alert] = []
    for typology in sorted({alert.typology for alert in alerts}):
        own = sorted((a for a in alerts if a.typology == typology), key=lambda a: (a.at, sorted(a.accounts)))
        order = random.permutation(len(own))
        kept += sorted((own[place] for place in order), key=lambda alert: -alert.severity)[:allowed]
    return kept


def _count(result: Result, run: Simulation, alerts: list[Alert], every: list[Alert], weeks: int) -> None:
    truth = run.truth["truth_accounts"].to_pandas()
    truth = truth[~truth["role"].isin(NEITHER)]
    violations = truth[truth["typology"].notna()]
    counted = set(truth["account_id"])
    alerts, every = ([alert for alert in some if alert.accounts & counted] for some in (alerts, every))
    alike = truth[truth["resembles"].notna() & truth["typology"].isna()]
    guilty = set(violations["account_id"])
    for typology, rows in violations.groupby("typology"):
        tally, named = result.of(str(typology)), [a for a in alerts if a.typology == typology]
        units = rows.groupby("ring_id")["account_id"].agg(frozenset)
        members = frozenset(rows["account_id"])
        tally.units += len(units)
        tally.found += sum(any(unit & alert.accounts for alert in named) for unit in units)
        tally.right += sum(bool(alert.accounts & members) for alert in named)
    for alert in alerts:
        result.of(alert.typology).alerts += 1
        result.of(alert.typology).guilty_of_something += bool(alert.accounts & guilty)
    for typology, rows in alike.groupby("resembles"):
        tally, names = result.of(str(typology)), set(rows["account_id"])
        named = [a for a in every if a.typology == typology]
        tally.look_alikes += len(names)
        tally.alarmed += len(names & {who for alert in named for who in alert.accounts})
    grave = {
        (who, a.at)
        for a in every
        if a.severity >= Severity.HIGH
        for who in a.accounts
        if who in set(alike["account_id"])
    }
    result.weeks += weeks * alike["account_id"].nunique()
    result.grave_weeks += len(grave)
    for alert in every:
        if alert.severity >= Severity.HIGH:
            result.of(alert.typology).grave += bool(alert.accounts & set(alike["account_id"]))


def report(result: Result) -> bool:
    """Prints the table; whether every gate holds."""
    lines = []
    for typology in sorted(result.by_typology):
        tally = result.by_typology[typology]
        if not tally.units and not tally.alerts:
            continue
        lines.append(
            (
                typology,
                tally.units if tally.units >= ENOUGH_UNITS else f"{tally.units} (few)",
                interval(tally.found, tally.units),
                tally.alerts,
                interval(tally.right, tally.alerts),
                interval(tally.guilty_of_something, tally.alerts),
                interval(tally.alarmed, tally.look_alikes),
                tally.grave,
            )
        )
    headings = ("typology", "units", "recall", "alerts", "precision", "guilty of any", "look-alikes alarmed", "grave")
    table(headings, lines, "rules alone, 95 % intervals")
    share = result.grave_weeks / max(result.weeks, 1)
    print(f"honest look-alikes at high or above: {result.grave_weeks} of {result.weeks:,} account-weeks, {share:.3%}")
    return share <= MOST_GRAVE_LOOK_ALIKES


def interval(found: int, of: int) -> str:
    """A share with its Wilson interval.

    >>> interval(9, 10)
    '0.90 [0.60-0.98]'
    """
    if not of:
        return "–"
    bounds = binomtest(found, of).proportion_ci(method="wilson")
    return f"{found / of:.2f} [{bounds.low:.2f}-{bounds.high:.2f}]"


def main() -> int:
    """Runs the evaluation; 1 where a gate does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="small", choices=PROFILES)
    parser.add_argument("--seeds", type=seeds, default="1-10", help="first-last")
    parser.add_argument("--budget", type=float, default=1.0, help="alerts a typology, day and thousand accounts")
    arguments = parser.parse_args()
    chosen = PROFILES[arguments.profile]
    return 0 if report(evaluate_seeds(chosen, arguments.seeds, arguments.budget, load_policy())) else 1


if __name__ == "__main__":
    sys.exit(main())
