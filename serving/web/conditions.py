"""What a rule compared, made to be seen: each value beside its threshold, with a bar and its sentence."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from serving.policy.terms import RuleHit, Value
from serving.web.wording import number, plain

BAR_WIDTH = 100.0


@dataclass(frozen=True, slots=True)
class Condition:
    """One value of a rule; `filled` is its bar in SVG units, the threshold's mark stands in the middle."""

    name: str
    value: str
    threshold: str | None
    filled: float | None
    ratio: str | None


def conditions_of(rule: RuleHit) -> tuple[Condition, ...]:
    """The values of a rule in its order, then the thresholds that stand for no single value."""
    pairs = _paired(rule)
    shown = tuple(_condition(name, value, pairs.get(name)) for name, value in rule.values.items())
    used = {id(threshold) for threshold in pairs.values()}
    alone = [name for name, value in rule.thresholds.items() if id(value) not in used and name not in pairs]
    return shown + tuple(Condition(plain(name), "", number(rule.thresholds[name]), None, None) for name in alone)


def sentence_of(rule: RuleHit) -> str:
    """Why the rule is there in one line: its sentence, then its values beside their thresholds.

    >>> from serving.policy.terms import Outcome, Severity
    >>> sentence_of(RuleHit("r", "1", "8", "Ring", "collusion", Severity.HIGH, Outcome.REVIEW, {"n": 6}, {"n": 3}))
    'Ring: n 6 (threshold 3)'
    """
    told = []
    for condition in conditions_of(rule):
        if condition.value:
            beside = f" (threshold {condition.threshold})" if condition.threshold is not None else ""
            told.append(f"{condition.name} {condition.value}{beside}")
    opening = (rule.says or rule.title).rstrip(".")
    return f"{opening}: {', '.join(told)}" if told else opening


def _paired(rule: RuleHit) -> Mapping[str, Value]:
    shared = {name: rule.thresholds[name] for name in rule.values if name in rule.thresholds}
    if not shared and len(rule.values) == len(rule.thresholds) == 1:
        return dict(zip(rule.values, rule.thresholds.values(), strict=True))
    return shared


def _condition(name: str, value: Value, threshold: Value) -> Condition:
    ratio = _ratio(value, threshold)
    return Condition(
        plain(name),
        number(value),
        None if threshold is None else number(threshold),
        None if ratio is None else round(min(ratio / 2, 1.0) * BAR_WIDTH, 1),
        None if ratio is None else f"{number(round(ratio, 2))} × the threshold",
    )


def _ratio(value: Value, threshold: Value) -> float | None:
    if not isinstance(value, int | float) or not isinstance(threshold, int | float):
        return None
    if isinstance(value, bool) or isinstance(threshold, bool):
        return None
    # Asked this way round because a value that is not a number is neither above nor below.
    return value / threshold if threshold > 0 and 0 <= value < math.inf else None
