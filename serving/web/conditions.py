"""What a rule compared, made to be seen: each value beside its threshold, with a bar and its sentence."""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from serving.policy.terms import RuleHit, Value
from serving.web.wording import number, plain

BAR_WIDTH = 100.0
SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
WORDS = {">=": "≥", ">": ">", "<=": "≤", "<": "<"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One value of a rule; `filled` is its bar in SVG units, the threshold's mark stands in the middle.

    `met` says whether the value meets its threshold, None where the rule does not compare the two alone.
    """

    name: str
    value: str
    threshold: str | None
    filled: float | None
    ratio: str | None
    met: bool | None = None


def conditions_of(rule: RuleHit) -> tuple[Condition, ...]:
    """The values of a rule in its order, then the thresholds that stand for no single value."""
    pairs = _paired(rule)
    shown = tuple(
        _condition(name, value, pairs.get(name), _sign(rule, name, name)) for name, value in rule.values.items()
    )
    used = {id(threshold) for threshold in pairs.values()}
    alone = [name for name, value in rule.thresholds.items() if id(value) not in used and name not in pairs]
    return shown + tuple(_alone(rule, name) for name in alone)


def sentence_of(rule: RuleHit) -> str:
    """Why the rule is there in one line: its sentence, then its values beside the thresholds that they meet.

    >>> from serving.policy.terms import Outcome, Severity
    >>> sentence_of(RuleHit("r", "1", "8", "Ring", "collusion", Severity.HIGH, Outcome.REVIEW, {"n": 6}, {"n": 3}))
    'Ring: n 6 (threshold 3)'
    """
    told = []
    for condition in conditions_of(rule):
        if condition.value and condition.met is not False:
            beside = f" (threshold {condition.threshold})" if condition.threshold is not None else ""
            told.append(f"{condition.name} {condition.value}{beside}")
    opening = (rule.says or rule.title).rstrip(".")
    return f"{opening}: {', '.join(told)}" if told else opening


def _paired(rule: RuleHit) -> Mapping[str, Value]:
    shared = {name: rule.thresholds[name] for name in rule.values if name in rule.thresholds}
    if not shared and len(rule.values) == len(rule.thresholds) == 1:
        return dict(zip(rule.values, rule.thresholds.values(), strict=True))
    return shared


def _sign(rule: RuleHit, threshold: str, of: str) -> str | None:
    """How the rule compares the value with the threshold; None where it does not do so alone, or nobody wrote it."""
    comparison = rule.comparisons.get(threshold)
    return comparison.sign if comparison and comparison.of == of else None


def _alone(rule: RuleHit, threshold: str) -> Condition:
    """A threshold under a name of its own, with the value that it is compared with."""
    comparison = rule.comparisons.get(threshold)
    if comparison is None or comparison.of is None:
        return Condition(plain(threshold), "", number(rule.thresholds[threshold]), None, None)
    value = rule.values.get(comparison.of)
    return _condition(threshold, value, rule.thresholds[threshold], comparison.sign)


def _condition(name: str, value: Value, threshold: Value, sign: str | None) -> Condition:
    ratio = _ratio(value, threshold)
    asked = f"{WORDS[sign]} " if sign else ""
    return Condition(
        plain(name),
        number(value),
        None if threshold is None else asked + number(threshold),
        None if ratio is None else round(min(ratio / 2, 1.0) * BAR_WIDTH, 1),
        None if ratio is None else f"{number(round(ratio, 2))} × the threshold",
        _met(value, sign, threshold),
    )


def _met(value: Value, sign: str | None, threshold: Value) -> bool | None:
    if sign is None or not isinstance(value, int | float) or not isinstance(threshold, int | float):
        return None
    return SIGNS[sign](value, threshold)


def _ratio(value: Value, threshold: Value) -> float | None:
    if not isinstance(value, int | float) or not isinstance(threshold, int | float):
        return None
    if isinstance(value, bool) or isinstance(threshold, bool):
        return None
    # Asked this way round because a value that is not a number is neither above nor below.
    return value / threshold if threshold > 0 and 0 <= value < math.inf else None
