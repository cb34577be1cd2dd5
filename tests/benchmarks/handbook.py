"""The Fraud Detection Handbook's weekly test, through our own import, features and models (`make bench-handbook`).

One week is learned from, its labels are known a week later, and the week after that is tested (train, delay and test of
7 days each); cards already known as compromised are left out of each test day. Metrics are the book's: AUC, average
precision, and card precision@100: of the 100 cards a day with the highest score, not caught on a day before, the share
that truly was compromised, averaged over the days. Without labels the week two weeks earlier is learned from, as there.

Everything that decides with labels was chosen on weeks learned from before 18 July 2018 and tested before 1 August. The
inputs of the anomaly model were written down once and not searched; like the book's they include what share of a
terminal's earlier payments was reported. The last line is JSON: ours on the test week.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.metrics import average_precision_score, roc_auc_score

from features.activity.importing import Import
from features.activity.mapping import load_mapping
from features.home import Home
from features.kernel.console import err, table
from features.kernel.errors import Invalid
from features.kernel.progress import silent
from features.pipeline import Features
from models.anomaly.model import AnomalyModel
from models.boosting.classifier import RiskClassifier
from models.vectors import Floats, VectorLayout
from tests.benchmarks.card_payments import PAYMENT_FEATURES, UNUSUAL, of_the_book

WEEK, DAY = timedelta(days=7), timedelta(days=1)
WATCHED_CARDS = 100
COLUMNS = ("TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT", "TX_FRAUD")
PUBLISHED_WEEK = date(2018, 7, 25)
PUBLISHED = {
    "logistic regression": (0.871, 0.606, 0.291),
    "random forest": (0.867, 0.658, 0.287),
    "XGBoost": (0.862, 0.639, 0.273),
}
PUBLISHED_WITHOUT_LABELS = {"isolation forest": (0.808, 0.164, 0.190), "autoencoder": (0.836, 0.180, 0.217)}
HEADINGS = ("model", "AUC", "average precision", "card precision@100")


@dataclass(frozen=True, slots=True)
class Week:
    """A week to learn from and the week to test, three weeks in all; rows are payments with their features."""

    train: pd.DataFrame
    test: pd.DataFrame


def read_payments(file: Path) -> pd.DataFrame:
    """The payments in the order of time.

    Raises:
        Invalid: there is no such file, or a column is missing.
    """
    if not file.is_file():
        raise Invalid(f"There is no file {file}; give the handbook's payments as Parquet.")
    rows = pd.read_parquet(file)
    missing = [name for name in COLUMNS if name not in rows.columns]
    if missing:
        raise Invalid(f"{file.name} lacks {', '.join(missing)}; the handbook's columns are {', '.join(COLUMNS)}.")
    return rows.sort_values(["TX_DATETIME", "TRANSACTION_ID"]).reset_index(drop=True)


def with_features(payments: pd.DataFrame, since: date, until: date) -> pd.DataFrame:
    """The payments of some days with their features, each computed from what was known just after the payment."""
    with tempfile.TemporaryDirectory(prefix="bench-handbook-") as place:
        folder = Path(place) / "payments"
        folder.mkdir()
        payments[payments["TX_DATETIME"] < pd.Timestamp(until)].to_parquet(folder / "transactions.parquet")
        home = Home(Path(place) / "home")
        moment = datetime.combine(until, datetime.min.time(), UTC) + 30 * DAY
        Import(home.lake, home.quarantine, moment, silent).mapped(folder, load_mapping("fdh"))
        features = Features(home.lake)
        err.print("bench: computing features")
        asked = payments[payments["TX_DATETIME"].between(pd.Timestamp(since), pd.Timestamp(until), inclusive="left")]
        asked = asked.reset_index(drop=True)
        spine = pd.DataFrame(
            {
                "account_id": asked["CUSTOMER_ID"].astype(str),
                "as_of": asked["TX_DATETIME"].dt.tz_localize("UTC") + pd.Timedelta("1us"),
                "event_id": asked["TRANSACTION_ID"].astype(str),
            }
        )
        vectors = features.vectors(spine, PAYMENT_FEATURES)
    truth = pd.DataFrame({"card": asked["CUSTOMER_ID"], "fraud": asked["TX_FRAUD"] == 1})
    return vectors.assign(**truth, day=asked["TX_DATETIME"].dt.date)


def week_of(payments: pd.DataFrame, first: date) -> Week:
    """The rows to learn from and to test, with the handbook's rule for cards that are known as compromised."""
    train = payments[payments["day"].between(first, first + WEEK - DAY)]
    known = set(train.loc[train["fraud"], "card"])
    days = []
    for number in range(WEEK.days):
        day = first + 2 * WEEK + number * DAY
        learned = payments[(payments["day"] == day - WEEK - DAY) & payments["fraud"]]
        known |= set(learned["card"])
        days.append(payments[(payments["day"] == day) & ~payments["card"].isin(known)])
    return Week(train, pd.concat(days))


def card_precision(rows: pd.DataFrame, scores: Floats) -> float:
    """Of the cards watched on each day, the share that was compromised; a card that was caught is watched no more."""
    caught: set[object] = set()
    found = []
    for _day, payments in rows.assign(score=scores).groupby("day"):
        cards = payments[~payments["card"].isin(caught)].groupby("card")[["score", "fraud"]].max()
        watched = cards.sort_values("score", ascending=False, kind="stable").head(WATCHED_CARDS)
        caught |= set(watched.index[watched["fraud"]])
        found.append(float(watched["fraud"].sum()) / WATCHED_CARDS)
    return float(np.mean(found))


def measured(week: Week, scores: Floats) -> tuple[float, float, float]:
    """AUC, average precision and card precision@100 of scores on the test week."""
    fraud = week.test["fraud"]
    return (
        float(roc_auc_score(fraud, scores)),
        float(average_precision_score(fraud, scores)),
        card_precision(week.test, scores),
    )


def ours(week: Week, seed: int) -> Floats:
    """Our classifier with its own parameters over all payment features."""
    names = [feature.name for feature in PAYMENT_FEATURES]
    model = RiskClassifier(seed=seed).fit(week.train[names], week.train["fraud"], groups=week.train["card"])
    return model.decision_function(week.test[names])


def plain_lightgbm(week: Week, seed: int) -> Floats:
    """LightGBM with default parameters over the features of the book."""
    model = LGBMClassifier(random_state=seed, n_jobs=1, verbosity=-1)
    model.fit(of_the_book(week.train), week.train["fraud"])
    return np.asarray(model.predict_proba(of_the_book(week.test)), dtype=np.float64)[:, 1]


def without_labels(week: Week, seed: int) -> Floats:
    """Our anomaly model over what is unusual for the card and the terminal."""
    names = tuple(feature.name for feature in UNUSUAL)
    model = AnomalyModel(VectorLayout(names, "handbook"), seed=seed).fit(week.train)
    return model.unusualness(week.test)


def over_seeds(week: Week, seeds: int, score: Callable[[Week, int], Floats]) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the three metrics over seeds."""
    values = np.array([measured(week, score(week, seed)) for seed in range(1, seeds + 1)])
    return values.mean(axis=0), values.std(axis=0)


def main() -> None:
    """Prints both tables and, last, one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transactions", type=Path, required=True, help="the handbook's payments, as Parquet")
    parser.add_argument(
        "--train-start", type=date.fromisoformat, default=PUBLISHED_WEEK, help="first day to learn from"
    )
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    first: date = given.train_start
    try:
        payments = read_payments(given.transactions)
        last = payments["TX_DATETIME"].max().date() if len(payments) else None
        if last is None or last < first + 3 * WEEK - DAY or payments["TX_DATETIME"].min().date() > first - 2 * WEEK:
            raise Invalid(
                f"The payments do not reach from {first - 2 * WEEK} to {first + 3 * WEEK - DAY}, which learning from "
                f"{first} on takes; give another week or file."
            )
    except Invalid as error:
        sys.exit(f"bench: {error}")
    rows = with_features(payments, first - 2 * WEEK, first + 3 * WEEK)
    err.print("bench: learning")
    report(rows, first, given.seeds)


def report(rows: pd.DataFrame, first: date, seeds: int) -> None:
    """The comparison with labels, without labels, and the line for programs."""
    week, earlier = week_of(rows, first), week_of(rows, first - 2 * WEEK)
    mean, deviation = over_seeds(week, seeds, ours)
    lines = [
        *(_line(f"{name}, published", figures) for name, figures in PUBLISHED.items() if first == PUBLISHED_WEEK),
        _line("LightGBM, default, the book's features", over_seeds(week, 1, plain_lightgbm)[0]),
        _line(f"ours, mean of {seeds} seeds", mean),
        _line("ours, standard deviation", deviation),
    ]
    fraud = int(week.test["fraud"].sum())
    table(
        HEADINGS, lines, f"learned {first} to {first + 6 * DAY}, tested on {len(week.test):,} payments, {fraud} frauds"
    )
    unlabelled, spread = over_seeds(earlier, seeds, without_labels)
    others = PUBLISHED_WITHOUT_LABELS.items() if first == PUBLISHED_WEEK else ()
    table(
        HEADINGS,
        [
            *(_line(f"{name}, published", figures) for name, figures in others),
            _line(f"anomaly model, mean of {seeds} seeds", unlabelled),
            _line("anomaly model, standard deviation", spread),
        ],
        f"no labels in learning: learned from {first - 2 * WEEK}, tested from {first}",
    )
    names = ("auc", "average_precision", "card_precision_100")
    print(json.dumps(dict(zip(names, mean.tolist(), strict=True)) | {"model": "RiskClassifier"}))


def _line(name: str, figures: tuple[float, ...] | Floats) -> tuple[str, ...]:
    return (name, *(f"{value:.4f}" for value in figures))


if __name__ == "__main__":
    main()
