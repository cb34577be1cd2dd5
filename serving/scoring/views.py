"""What the page about drift shows: the last drift check, the series of checks, and the reviews opened per day."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import floor, sqrt
from typing import Any

from features.kernel.units import number
from serving.web.wording import feature_words, kind_words

MAX_COLUMNS = 20
MAX_DAYS = 16
MIN_DAYS = 5
WIDTH, HEIGHT = 640.0, 150.0
LEFT, TOP, BOTTOM = 34.0, 10.0, 22.0


@dataclass(frozen=True, slots=True)
class Point:
    """One drift check in the chart."""

    x: float
    y: float
    says: str
    alarms: bool


@dataclass(frozen=True, slots=True)
class DriftSeries:
    """How well a classifier separated earlier from current accounts at each check; `alarm_y` is its alarm limit."""

    points: tuple[Point, ...]
    line: str
    alarm_y: float
    levels: tuple[tuple[float, str], ...]
    summary: str


@dataclass(frozen=True, slots=True)
class AlertDay:
    """The reviews opened on one day; `high` where there are more than chance explains (three sigma of a c-chart)."""

    day: str
    count: int
    height: float
    high: bool


@dataclass(frozen=True, slots=True)
class AlertRate:
    """One kind of review over the days."""

    kind: str
    usual: str
    days: tuple[AlertDay, ...]
    summary: str


def drift_series(history: Sequence[Mapping[str, Any]], alarm: float) -> DriftSeries | None:
    """The chart of the drift checks; None where fewer than two were measured."""
    checks = [check for check in history if check["adversarial_auc"] is not None]
    if len(checks) < 2:
        return None
    step = (WIDTH - LEFT - 10) / (len(checks) - 1)

    def height(auc: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(max(auc, 0.5), 1.0)) / 0.5, 1)

    points = tuple(
        Point(
            round(LEFT + step * place, 1),
            height(check["adversarial_auc"]),
            f"{check['as_of'][:10]}: AUC {check['adversarial_auc']:.2f}, {check['act']} columns to act on",
            check["adversarial_auc"] > alarm,
        )
        for place, check in enumerate(checks)
    )
    last = checks[-1]
    return DriftSeries(
        points,
        " ".join(f"{point.x},{point.y}" for point in points),
        height(alarm),
        tuple((height(auc), f"{auc:g}") for auc in (0.5, alarm, 1.0)),
        f"{len(checks)} drift checks from {checks[0]['as_of'][:10]} to {last['as_of'][:10]}; the last AUC is "
        f"{last['adversarial_auc']:.2f}, {sum(point.alarms for point in points)} were above {alarm:g}.",
    )


def rates_of(opened: Sequence[tuple[date, str, int]]) -> tuple[AlertRate, ...]:
    """Reviews opened per day by kind, the most frequent kind first; days on which none was opened at all are left out.

    A day is high against the mean of the other days shown: above it by more than three times its square root;
    of fewer than five days none is.
    """
    days = sorted({day for day, _kind, _count in opened})[-MAX_DAYS:]
    counts: defaultdict[str, dict[date, int]] = defaultdict(dict)
    for day, kind, count in opened:
        if day in days:
            counts[kind][day] = count
    rates = []
    for kind, by_day in sorted(counts.items(), key=lambda item: (-sum(item[1].values()), item[0])):
        series = [by_day.get(day, 0) for day in days]
        tallest, total = max(series), sum(series)
        others = [(total - count) / max(1, len(series) - 1) for count in series]
        high = [
            len(series) >= MIN_DAYS and count > mean + 3 * sqrt(max(mean, 1.0))
            for count, mean in zip(series, others, strict=True)
        ]
        shown = tuple(
            AlertDay(day.isoformat(), count, round(26 * count / tallest, 1), is_high)
            for day, count, is_high in zip(days, series, high, strict=True)
        )
        summary = f"{total} in {len(series)} days" + (f", {sum(high)} of them high" if any(high) else "")
        rates.append(AlertRate(kind_words(kind), number(total / len(series)), shown, summary))
    return tuple(rates)


def columns_of(latest: Mapping[str, Any]) -> list[dict[str, str]]:
    """The most changed columns in words."""
    return [
        {
            "name": feature_words(column["name"]),
            "state": column["state"],
            "psi": f"{floor(1_000 * column['psi']) / 1_000:.3f}",  # never shown above a limit it is below
            "noise": f"{column['noise']:.3f}",
            "missing": f"{100 * column['missing']:+.1f} %",
        }
        for column in latest["columns"][:MAX_COLUMNS]
    ]
