"""What a rule compared, made to be seen: each value next to its threshold, with a bar and its sentence."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from features.kernel.units import number
from serving.policy.terms import RuleHit, Value
from serving.web.wording import plain

BAR_WIDTH = 100.0
SIGNS = {">=": "≥", ">": ">", "<=": "≤", "<": "<"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One value of a rule; `filled` is its bar in SVG units, the threshold's mark is in the middle.

    `meets_threshold` says whether the value meets its threshold, None where the rule does not compare the two alone.
    """

    name: str
    value: str
    threshold: str | None
    filled: float | None
    ratio: str | None
    meets_threshold: bool | None = None


def conditions_of(rule: RuleHit) -> tuple[Condition, ...]:
    """The values of a rule in its order, then the thresholds that stand for no single value."""
    pairs = _paired(rule)
    alone = [name for name in rule.thresholds if name not in pairs.values()]
    shown = [_condition(rule, name, name, pairs.get(name)) for name in rule.values]
    return (*shown, *(_condition(rule, name, _compared_with(rule, name), name) for name in alone))


def sentence_of(rule: RuleHit) -> str:
    """Why the rule is there in one line: its sentence, then its values with the thresholds that they meet.

    >>> from serving.policy.terms import Outcome, Severity
    >>> sentence_of(RuleHit("r", "1", "8", "Ring", "collusion", Severity.HIGH, Outcome.REVIEW, {"n": 6}, {"n": 3}))
    'Ring: n 6 (threshold 3)'
    """
    parts = []
    for condition in conditions_of(rule):
        if condition.value and condition.meets_threshold is not False:
            threshold = f" (threshold {condition.threshold})" if condition.threshold is not None else ""
            parts.append(f"{condition.name} {condition.value}{threshold}")
    opening = (rule.says or rule.title).rstrip(".")
    return f"{opening}: {', '.join(parts)}" if parts else opening


def _paired(rule: RuleHit) -> Mapping[str, str]:
    """By value, its threshold."""
    shared = {name: name for name in rule.values if name in rule.thresholds}
    if not shared and len(rule.values) == len(rule.thresholds) == 1:
        return dict(zip(rule.values, rule.thresholds, strict=True))
    return shared


def _compared_with(rule: RuleHit, threshold: str) -> str | None:
    comparison = rule.comparisons.get(threshold)
    return comparison.of if comparison else None


def _condition(rule: RuleHit, name: str, of: str | None, threshold: str | None) -> Condition:
    """One row under a name: the value, if any, and the threshold, if any, which may be compared with something else."""
    value = rule.values[of] if of else None
    limit = rule.thresholds[threshold] if threshold else None
    comparison = rule.comparisons.get(threshold) if threshold and _compared_with(rule, threshold) == of else None
    ratio = _ratio(value, limit)
    sign = f"{SIGNS[comparison.sign]} " if comparison and of else ""
    return Condition(
        plain(name),
        number(value) if of else "",
        None if limit is None else sign + number(limit),
        None if ratio is None else round(min(ratio / 2, 1.0) * BAR_WIDTH, 1),
        None if ratio is None else f"{number(round(ratio, 2))} × the threshold",
        comparison.holds(value, limit) if comparison else None,
    )


def _ratio(value: Value, threshold: Value) -> float | None:
    if not isinstance(value, int | float) or not isinstance(threshold, int | float):
        return None
    if isinstance(value, bool) or isinstance(threshold, bool):
        return None
    # Asked this way round because a value that is not a number is neither above nor below.
    return value / threshold if threshold > 0 and 0 <= value < math.inf else None
