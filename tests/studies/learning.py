"""What the models learn of one set of exchanges and find on others (`make study`): typologies, queues, the unforeseen.

Run as `python -m tests.studies.learning --train 151-158 --test 241-248`. Models are trained on the labels that
simulated reviewers gave, with their delays and errors, and judged by the truth, with the convention of rows of
`account_weeks`. Seeds stand in for each other's accounts: a day's queue holds the accounts of all test seeds at that
week's end. With `--shifted` the test exchanges are busier and their farms larger than those that were learned from.
Test seeds are read once: whatever is chosen is chosen on others.
"""

import argparse
import dataclasses
import sys
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import average_precision_score

from features.activity.snapshot import Activity
from features.definitions import CATALOGUE
from features.kernel.console import table
from features.pipeline import Features
from features.simulator.exchange import simulate
from features.simulator.profiles import PROFILES, Profile
from models.anomaly.model import AnomalyModel
from models.evaluation.metrics import at_budget
from models.targets import confirmed_rows, known_findings
from models.vectors import VectorLayout
from models.violations.model import COLUMN, ViolationModels
from serving.commands.rulebook import load_policy
from serving.policy.book import Policy
from serving.scoring.service import account_states, asking
from tests.studies.account_weeks import NEITHER, RULES, WEEK, active_typologies
from tests.studies.detection import ENOUGH_UNITS, interval
from tests.studies.seeds import seeds

BUDGET = 100
DRAWS = 500
QUEUES = ("blended", "models", "rules", "anomaly")
Floats = npt.NDArray[np.float64]


def shifted(profile: Profile) -> Profile:
    """An exchange the models have not learned from: honest traders trade half as much again, farms are half larger."""
    return dataclasses.replace(profile, rate_divisor=profile.rate_divisor / 1.5, farm_share=profile.farm_share * 1.5)


def exchange_weeks(profile: Profile, seed: int, policy: Policy | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The vectors of every account at every week's end with the truth beside them, and the labels of reviewers.

    Columns besides the vectors: active (typologies of the week), honest, and `rules`, the severity of the gravest rule
    that named the account in that week's run, 0 where none did (without a policy: 0).
    """
    run = simulate(profile, seed)
    features = Features(Activity.from_frames(run.activity, version="study"))
    first, last = features.span()
    rows, before = [], None
    for moment in pd.date_range(first.floor("D") + WEEK, last.ceil("D"), freq=WEEK):
        vectors, at = features.vectors(features.accounts(moment)), moment.to_pydatetime()
        named: dict[str, int] = {}
        if policy is not None:
            states = account_states(features, vectors, {}, {}, at)
            for suspicion in asking(features, policy, states, at, before):
                for account in suspicion.accounts:
                    named[account] = max(named.get(account, 0), int(suspicion.severity))
        before = {"as_of": at.isoformat(), "lake_version": features.activity.version}
        rows.append(vectors.assign(rules=vectors["account_id"].map(named).fillna(0.0)))
    weeks = pd.concat(rows, ignore_index=True)
    truth = run.truth["truth_accounts"].to_pandas()
    by_account = truth.drop_duplicates("account_id").set_index("account_id")
    guilty = set(truth["account_id"][truth["typology"].notna()])
    role = weeks["account_id"].map(by_account["role"])
    weeks["honest"] = ~weeks["account_id"].isin(guilty)
    weeks["unit"] = weeks["account_id"].map(by_account["ring_id"]).fillna(weeks["account_id"])
    weeks["active"] = active_typologies(run, weeks)
    weeks, labels = weeks[~role.isin(NEITHER)], run.labels.to_pandas()
    for frame, columns in ((weeks, ("account_id", "unit")), (labels, ("account_id", "group_id"))):
        for column in columns:
            frame[column] = frame[column].map(lambda name: f"{seed}-{name}" if isinstance(name, str) else None)
    return weeks.assign(seed=seed), labels


def gathered(profile: Profile, seeds: Iterable[int], policy: Policy | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Weeks and labels of all seeds together."""
    weeks, labels = zip(*(exchange_weeks(profile, seed, policy) for seed in seeds), strict=True)
    return pd.concat(weeks, ignore_index=True), pd.concat(labels, ignore_index=True)


def precision_interval(positive: npt.NDArray[np.bool_], score: Floats, units: npt.NDArray[np.str_]) -> str:
    """Average precision with its 95 % interval over redrawn units: a ring's rows rise and fall together."""
    names, member = np.unique(units, return_inverse=True)
    random, drawn = np.random.default_rng(0), []
    for _ in range(DRAWS):
        weight = np.bincount(random.integers(0, len(names), len(names)), minlength=len(names))[member]
        if (weight * positive).sum():
            drawn.append(average_precision_score(positive, score, sample_weight=weight))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{average_precision_score(positive, score):.2f} [{low:.2f}-{high:.2f}]"


def report_typologies(weeks: pd.DataFrame, scores: pd.DataFrame) -> None:
    """Average precision of each typology's model among honest accounts and its own violators."""
    lines = []
    for name in sorted({typology for active in weeks["active"] for typology in active} - set(RULES)):
        positive = np.array([name in active for active in weeks["active"]])
        units = weeks["unit"][positive].nunique()
        counted = units if units >= ENOUGH_UNITS else f"{units} (few)"
        if COLUMN + name not in scores:
            lines.append((name, counted, int(positive.sum()), "too few findings to learn"))
            continue
        rows = positive | weeks["honest"].to_numpy()
        judged = scores[COLUMN + name].to_numpy()[rows]
        within = precision_interval(positive[rows], judged, weeks["unit"].to_numpy(str)[rows])
        lines.append((name, counted, int(positive.sum()), within))
    table(("typology", "units", "account-weeks", "average precision"), lines, "violation models, 95 % intervals")


def queues_of(weeks: pd.DataFrame, scores: pd.DataFrame, anomaly: Floats) -> dict[str, Floats]:
    """What each queue sorts by; where many are equal (rules, anomaly) a seeded draw decides.

    The models': the probability that anything is wrong. The rules': the gravest severity. Blended: that severity plus
    how rare the models' probability is (-log of the share of accounts above), so that what either is sure of comes
    first.
    """
    tie = np.random.default_rng(0).random(len(weeks)) * 1e-6
    anything = 1 - np.prod([1 - scores[column].to_numpy() for column in scores], axis=0)
    rules = weeks["rules"].to_numpy() + tie
    share = pd.Series(anything).rank(pct=True).to_numpy()
    return {
        "blended": np.log(np.maximum(1 - share, 1e-6)) * -1 + weeks["rules"].to_numpy(),
        "models": anything,
        "rules": rules,
        "anomaly": anomaly + tie,
    }


def report_queues(weeks: pd.DataFrame, queues: dict[str, Floats]) -> None:
    """Of the first hundred of a day, how many were violating something that week, in each queue."""
    guilty = np.array([bool(active) for active in weeks["active"]])
    lines = []
    for name in QUEUES:
        shown = _shown(weeks, queues[name])
        lines.append((name, interval(int((shown & guilty).sum()), int(shown.sum())), int(shown.sum())))
    most = pd.Series(guilty).groupby(weeks["as_of"].to_numpy()).sum().clip(upper=BUDGET).sum()
    table(("queue", "precision", "alerts"), lines, f"{BUDGET} alerts a day over all exchanges")
    print(f"no queue could be better than {most / (BUDGET * weeks['as_of'].nunique()):.2f}: so many violate in a week")


def report_unforeseen(weeks: pd.DataFrame, labels: pd.DataFrame, train: pd.DataFrame) -> None:
    """Each typology left out of learning: of its units, how many the anomaly queue, the rules or other models show."""
    by_rule = weeks["rules"].to_numpy() > 0
    lines = []
    for name in sorted(set(labels["typology"]) - set(RULES)):
        positive = np.array([name in active for active in weeks["active"]])
        if not positive.any():
            continue
        rest = labels[labels["typology"] != name]
        scores = ViolationModels(VectorLayout.of(CATALOGUE)).fit(train, rest).predict(weeks)
        unusual = _shown(weeks, -unusual_model(train, rest).score_samples(weeks))
        others = _shown(weeks, 1 - np.prod([1 - scores[column].to_numpy() for column in scores], axis=0))
        cells = [_units(weeks, positive, shown) for shown in (unusual, by_rule, others, unusual | by_rule)]
        lines.append((name, *cells))
    headings = ("typology", "anomaly", "rules", "models of others", "anomaly or rules")
    table(headings, lines, f"units shown although nobody taught them, {BUDGET} alerts a day, all rules")


def unusual_model(train: pd.DataFrame, labels: pd.DataFrame) -> AnomalyModel:
    """The anomaly model, learned without the accounts that the labels confirm."""
    confirmed = confirmed_rows(train, known_findings(labels, None))
    return AnomalyModel.of(CATALOGUE).fit(train, confirmed)


def _shown(weeks: pd.DataFrame, score: Floats) -> npt.NDArray[np.bool_]:
    return at_budget(pd.DataFrame({"as_of": weeks["as_of"], "score": score, "weight": 1.0}), BUDGET)


def _units(weeks: pd.DataFrame, positive: npt.NDArray[np.bool_], shown: npt.NDArray[np.bool_]) -> str:
    units = weeks["unit"].to_numpy(str)
    return interval(len(np.unique(units[positive & shown])), len(np.unique(units[positive])))


def main(arguments: list[str]) -> int:
    """Learns, judges and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=list(PROFILES), default="small")
    parser.add_argument("--train", type=seeds, default=range(151, 159))
    parser.add_argument("--test", type=seeds, required=True)
    parser.add_argument("--shifted", action="store_true", help="test exchanges differ from those learned from")
    parser.add_argument("--unforeseen", action="store_true", help="leave every typology out once, too")
    chosen = parser.parse_args(arguments)
    profile = PROFILES[chosen.profile]
    train, labels = gathered(profile, chosen.train, None)
    weeks, _ = gathered(shifted(profile) if chosen.shifted else profile, chosen.test, load_policy())
    violations = ViolationModels(VectorLayout.of(CATALOGUE)).fit(train, labels)
    scores, anomaly = violations.predict(weeks), -unusual_model(train, labels).score_samples(weeks)
    report_typologies(weeks, scores)
    report_queues(weeks, queues_of(weeks, scores, anomaly))
    if chosen.unforeseen:
        report_unforeseen(weeks, labels, train)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
