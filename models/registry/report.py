"""The evaluation report of a training: one HTML page that a risk team reads before it signs.

See docs/methods.md#evaluation-over-time, docs/methods.md#model-metrics.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from features.kernel.moments import DAY_US
from models.evaluation.card import PURPOSES
from models.evaluation.metrics import Metrics, at_budget, budget_metrics
from models.evaluation.segments import FAIR, by_segment
from models.training import Trained
from models.vectors import series_microseconds

BUDGETS = (10, 25, 50, 100, 200)
BUDGET = 100
COUNTS = ("rows", "accounts", "positives", "negatives")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table; `is_marked` marks a figure that a person should check."""

    text: str
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A heading, what the table under it says, and the table; the first `words` columns hold words."""

    heading: str
    says: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str
    words: int = 1


def evaluation_report(trained: Trained, champion: Mapping[str, Metrics] | None = None) -> str:
    """The page.

    Args:
        trained: the model with the rows it was tested on.
        champion: the metrics of the version that scores now, by split; None where there is none.
    """
    purpose = PURPOSES[trained.name]
    return _template().render(
        title=purpose.title,
        purpose=purpose,
        data=trained.data,
        notes=trained.notes,
        parts=[
            _splits(trained),
            _budgets(trained.tested),
            _detection(trained.tested),
            _rings(trained.tested),
            _cleared(trained.tested),
            _fairness(trained.tested),
            _against_champion(trained.metrics, champion),
        ],
        # Drawn by our own plotting from numbers; no text of anybody else is in them.
        pictures=[(name, Markup(picture.decode())) for name, picture in trained.plots.items()],  # noqa: S704
    )


@cache
def _template() -> Template:
    environment = Environment(loader=PackageLoader("models.registry", "."), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("report.html")


def _splits(trained: Trained) -> ReportSection:
    names = list(dict.fromkeys(name for values in trained.metrics.values() for name in values))
    rows = [[Cell(split), *(_figure(n, values) for n in names)] for split, values in trained.metrics.items()]
    says = (
        "Held-out rows are of accounts and rings, and where time allows of days, that the fold had not learned from. "
        "The anomaly model learns from no label; it is set against the labels on all rows, those it learned from too."
    )
    return ReportSection(
        "Metrics by split", says, ["split", *(_spoken(n) for n in names)], rows, "Nothing was measured."
    )


def _budgets(tested: Mapping[str, pd.DataFrame]) -> ReportSection:
    rows = []
    for name, frame in tested.items():
        for budget in BUDGETS:
            measured = budget_metrics(frame, budget)
            figures = ("precision", "recall", "alerts_a_day")
            rows.append([Cell(name), _count(budget), *(_number(measured[figure]) for figure in figures)])
    says = (
        "What a team with this daily budget would have found among the rows evaluated. Rows that no reviewer has "
        "looked at count as honest, so precision is rather too low."
    )
    columns = ("typology", "budget a day", "precision", "recall", "alerts a day")
    return ReportSection("Precision at a daily budget", says, columns, rows, "No rows were kept for this model.")


def _detection(tested: Mapping[str, pd.DataFrame]) -> ReportSection:
    rows = []
    for name, frame in tested.items():
        days = days_to_detect(frame, BUDGET)
        if len(days):
            is_found = days.notna()
            median = float(days[is_found].median()) if is_found.any() else None
            rows.append([Cell(name), _count(len(days)), _number(float(is_found.mean())), _number(median)])
    says = (
        f"Of the confirmed accounts with a known onset, how many would have been among {BUDGET} alerts of a "
        "day, and how many days after the onset for the first time. Days are no finer than the moments of the rows, "
        "and too many where the first row judged of an account is long after its onset."
    )
    columns = ("typology", "accounts", "share found", "median days")
    return ReportSection("Time to detect", says, columns, rows, "No confirmed account with an onset was judged.")


def days_to_detect(tested: pd.DataFrame, budget: int) -> pd.Series:
    """Per confirmed account with an onset, the days from it to the first moment it is among the alerts; NaN: never.

    Args:
        tested: account_id, as_of, onset_us (NaN or infinite where unknown), positive, score, weight.
    """
    confirmed = tested["positive"] & np.isfinite(tested["onset_us"])
    late = (pd.Series(series_microseconds(tested["as_of"]), index=tested.index) - tested["onset_us"]) / DAY_US
    first = late.where(pd.Series(at_budget(tested, budget), index=tested.index))[confirmed]
    days: pd.Series = first.groupby(tested.loc[confirmed, "account_id"]).min()
    return days


def _rings(tested: Mapping[str, pd.DataFrame]) -> ReportSection:
    rows = []
    for name, frame in tested.items():
        alerts, positive = at_budget(frame, BUDGET), frame["positive"].to_numpy(dtype=bool)
        is_known_ring = frame["known_group"].to_numpy(dtype=bool)
        for words, here in (
            ("ring already known", positive & is_known_ring),
            ("no member known", positive & ~is_known_ring),
        ):
            if here.any():
                rows.append([Cell(name), Cell(words), _count(here.sum()), _number(float(alerts[here].mean()))])
    says = (
        f"Confirmed rows, and how many of them are among {BUDGET} alerts a day: where another member of the ring had "
        "been found by that moment, and where no member had. The second says how many new rings are found."
    )
    columns = ("typology", "ring", "confirmed rows", "share found")
    return ReportSection("Known and new rings", says, columns, rows, "No confirmed account was judged.", words=2)


def _cleared(tested: Mapping[str, pd.DataFrame]) -> ReportSection:
    rows = []
    for name, frame in tested.items():
        cleared = frame["cleared"].to_numpy(dtype=bool)
        if cleared.any():
            alerts = at_budget(frame, BUDGET)[cleared]
            rows.append([Cell(name), _count(cleared.sum()), _count(alerts.sum()), _number(float(alerts.mean()))])
    says = (
        f"Rows of accounts that were looked at and found honest, and how many of them are among {BUDGET} alerts a day "
        "all the same. The model restricts no account: an alert costs a review."
    )
    columns = ("typology", "cleared rows", "among the alerts", "share")
    return ReportSection("Look-alikes", says, columns, rows, "No cleared account was judged.")


def _fairness(tested: Mapping[str, pd.DataFrame]) -> ReportSection:
    figures = ("rows", "positives", "auc", "average_precision", "false_alerts", "false_alert_ratio")
    rows = []
    for name, frame in tested.items():
        for segmentation, group, metrics in by_segment(frame, BUDGET):
            cells = [_figure(figure, metrics) for figure in figures]
            ratio = metrics.get("false_alert_ratio", 1.0)
            cells[-1] = Cell(cells[-1].text, not FAIR <= ratio <= 1 / FAIR)
            rows.append([Cell(name), Cell(f"{segmentation}: {group}"), *cells])
    says = (
        f"False alerts are accounts without a confirmed finding among {BUDGET} alerts a day; the ratio is to the "
        f"overall rate. Outside {FAIR:g} to {1 / FAIR:g} it is marked: check whether behaviour explains it. "
        "Nationality, language, age, gender, payment rail and place are in no model, so they are not compared here."
    )
    columns = ("typology", "group", *(_spoken(figure) for figure in figures))
    return ReportSection("Groups of accounts", says, columns, rows, "No group has enough rows.", words=2)


def _against_champion(metrics: Mapping[str, Metrics], champion: Mapping[str, Metrics] | None) -> ReportSection:
    says = "Each version as it was measured at its own training: not the same rows, so a small difference says nothing."
    rows = []
    for split, name, now in _shared(metrics, champion or {}):
        before = (champion or {})[split][name]
        rows.append([Cell(split), Cell(_spoken(name)), _number(before), _number(now), Cell(f"{now - before:+.3f}")])
    columns = ("split", "metric", "champion", "this version", "difference")
    empty = "There is no champion to compare with." if champion is None else "They have no figure in common."
    return ReportSection("Compared with the champion", says, columns, rows, empty, words=2)


def _shared(metrics: Mapping[str, Metrics], champion: Mapping[str, Metrics]) -> Iterator[tuple[str, str, float]]:
    for split, values in metrics.items():
        for name in ("auc", "average_precision", "calibration_error"):
            if not split.endswith("training") and name in values and name in champion.get(split, {}):
                yield split, name, values[name]


def _figure(name: str, values: Mapping[str, float]) -> Cell:
    return _count(values[name]) if name in COUNTS and name in values else _number(values.get(name))


def _count(value: float) -> Cell:
    return Cell(f"{value:,.0f}")


def _number(value: float | None) -> Cell:
    if value is None or np.isnan(value):
        return Cell("–")
    if abs(value) >= 10:
        return Cell(f"{value:,.1f}")
    return Cell(f"{value:.3f}" if value == 0 or abs(value) >= 0.001 else f"{value:.2g}")


def _spoken(name: str) -> str:
    return name.replace("_", " ").replace("auc", "AUC")
