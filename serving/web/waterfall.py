"""The geometry of a waterfall: from the base over the contributions to the score, as bars an SVG can draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.kernel.units import number, signed
from serving.web.wording import feature_words, plain

MAX_BARS = 10
BAR_LEFT, BAR_WIDTH = 142.0, 146.0
MIN_SPAN = 1e-9  # below it the picture has nothing to show
ROW_HEIGHT = 24
MAX_LABEL_LENGTH = 20


@dataclass(frozen=True, slots=True)
class Bar:
    """One step: where its rectangle lies (SVG units), and its words."""

    label: str
    kind: str
    x: float
    y: int
    width: float
    amount: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One contribution in words: its sentence, its value, and the rank of the account among its peers."""

    text: str
    value: str
    amount: str
    kind: str
    percentile: str | None


@dataclass(frozen=True, slots=True)
class Waterfall:
    """One explanation as a chart and as text."""

    account_id: str
    model: str
    bars: tuple[Bar, ...]
    reasons: tuple[Reason, ...]
    height: int
    summary: str
    output: str


def waterfall_of(explanation: Mapping[str, Any]) -> Waterfall:
    """The chart of an explanation (docs/activity-schema.md#explanation): the largest contributions, then the rest."""
    ordered = sorted(explanation["contributions"], key=lambda row: -abs(row["contribution"]))
    shown, rest = ordered[:MAX_BARS], ordered[MAX_BARS:]
    steps = [(feature_words(row["feature"]), float(row["contribution"])) for row in shown]
    if rest:
        steps.append((f"{len(rest)} others together", sum(float(row["contribution"]) for row in rest)))
    base, score = float(explanation["base"]), float(explanation["score"])
    bars = _bars(base, score, steps)
    model = explanation["model"]
    return Waterfall(
        account_id=explanation["account_id"],
        model=f"{plain(model['name']).replace(':', ': ')}, version {model['version']}",
        bars=bars,
        reasons=tuple(_reason(row) for row in shown),
        height=ROW_HEIGHT * len(bars) + 8,
        summary=_summary(base, score, steps),
        output=number(explanation["output"]),
    )


def _bars(base: float, score: float, steps: Sequence[tuple[str, float]]) -> tuple[Bar, ...]:
    levels = [base]
    for _, amount in steps:
        levels.append(levels[-1] + amount)
    low, high = min([*levels, score, 0.0]), max([*levels, score, 0.0])
    scale = BAR_WIDTH / max(high - low, MIN_SPAN)

    def bar(row: int, label: str, kind: str, start: float, end: float, amount: str) -> Bar:
        left, right = sorted((start, end))
        x, width = BAR_LEFT + (left - low) * scale, max((right - left) * scale, 1.0)
        return Bar(_shortened(label), kind, round(x, 2), row * ROW_HEIGHT + 4, round(width, 2), amount)

    middle = [
        bar(row, label, _kind(amount), levels[row - 1], levels[row], signed(amount))
        for row, (label, amount) in enumerate(steps, start=1)
    ]
    first = bar(0, "usual account", "total", 0.0, base, f"{base:.2f}".replace("-", "−"))
    last = bar(len(steps) + 1, "this account", "total", 0.0, score, f"{score:.2f}".replace("-", "−"))
    return (first, *middle, last)


def _summary(base: float, score: float, steps: Sequence[tuple[str, float]]) -> str:
    up = [label for label, amount in steps if amount > 0]
    down = [label for label, amount in steps if amount < 0]
    text = f"From {base:.2f} for a usual account to {score:.2f} for this one."
    text += f" Raised most by {', '.join(up[:3])}." if up else ""
    return text + (f" Lowered most by {', '.join(down[:2])}." if down else "")


def _reason(row: Mapping[str, Any]) -> Reason:
    percentile = row.get("peer_percentile")
    contribution = float(row["contribution"])
    return Reason(
        text=row["text"] or feature_words(row["feature"]),
        value=number(row["value"]),
        amount=signed(contribution),
        kind=_kind(contribution),
        percentile=None if percentile is None else _percentile(float(percentile)),
    )


def _percentile(value: float) -> str:
    shown = f"{value:.0f}" if 1 <= value <= 99 else f"{min(max(value, 0.1), 99.9):.1f}"
    return f"higher than {shown} % of comparable accounts"


def _kind(amount: float) -> str:
    return "down" if amount < 0 else "up"


def _shortened(label: str) -> str:
    return label if len(label) <= MAX_LABEL_LENGTH else label[: MAX_LABEL_LENGTH - 1].rstrip() + "…"
