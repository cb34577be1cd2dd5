"""Evaluates every rule for one subject: which fired, which fired in shadow, and which could not be evaluated."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from serving.policy.book import Policy
from serving.policy.rules import Rule
from serving.policy.terms import Degraded, Outcome, RuleHit, RuleState, Severity, Value

Fields = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the rules say about one subject; hits are in falling order of outcome, then severity."""

    hits: tuple[RuleHit, ...]
    shadow_hits: tuple[RuleHit, ...]
    degraded: tuple[Degraded, ...]
    minimum: Outcome = Outcome.ALLOW

    @property
    def outcome(self) -> Outcome:
        """The most severe outcome of the live rules, and no milder one than what erred or unknown values ask for."""
        return max([self.minimum, *(hit.outcome for hit in self.hits)])

    @property
    def severity(self) -> Severity:
        """The highest severity of the live rules; `info` where none fired."""
        return max((hit.severity for hit in self.hits), default=Severity.INFO)


def evaluate(
    policy: Policy, subject: str, fields: Fields, on: date | None = None, unknown: frozenset[str] = frozenset()
) -> Evaluation:
    """What the policy's live and shadow rules say about one subject.

    Args:
        subject: `account`, or the name of the pattern whose episode the fields describe.
        fields: every field of the subject; None and NaN say that there is nothing, and make no rule fire.
        on: rules that take effect after this day are left out; None asks all.
        unknown: the fields whose value is not known, or may have changed since.

    A live rule that does not fire, but might if unknown fields had other values, counts as it declares. A rule that
    errs (a field it needs is absent or of another kind) is reported as degraded and the others go on; a live one
    counts as it declares, and at least as a review if it asks for so much.
    """
    fired: list[Rule] = []
    undecided: list[Rule] = []
    degraded: list[Degraded] = []
    minimum = Outcome.ALLOW
    for rule in policy.active.get(subject, ()):
        if on is not None and rule.effective_from > on:
            continue
        try:
            if rule.when.holds(fields):
                fired.append(rule)
            elif not rule.when.fields.isdisjoint(unknown) and rule.when.may_hold(fields, unknown):
                undecided.append(rule)
        except Exception as error:  # whatever one rule does, the decision survives it
            is_live = rule.state is RuleState.LIVE
            counts_as = max(rule.counts_as_unknown, min(rule.outcome, Outcome.REVIEW)) if is_live else Outcome.ALLOW
            minimum = max(minimum, counts_as)
            fallback = f"It counts as {counts_as.word.replace('_', ' ')}; the others were evaluated."
            degraded.append(Degraded(f"rule {rule.id}", _reason(error), fallback))
    for counts_as, rules in _counted(undecided).items():
        minimum = max(minimum, counts_as)
        degraded.append(_unknown(counts_as, rules, unknown))
    live = _hits((rule for rule in fired if rule.state is RuleState.LIVE), fields)
    shadow = _hits((rule for rule in fired if rule.state is RuleState.SHADOW), fields)
    return Evaluation(live, shadow, tuple(degraded), minimum)


def hit(rule: Rule, fields: Fields) -> RuleHit:
    """The rule's finding: its values beside its thresholds, as they are shown and recorded."""
    shown = {key: _known(fields.get(field)) for key, field in rule.thresholds_shown.items()}
    return RuleHit(
        rule_id=rule.id,
        version=rule.version.isoformat(),
        clause=rule.clause,
        title=rule.title,
        typology=rule.typology,
        severity=rule.severity,
        outcome=rule.outcome,
        values={key: _known(fields.get(field)) for key, field in rule.values.items()},
        thresholds={name: threshold.value for name, threshold in rule.thresholds.items()} | shown,
        clauses=rule.clauses,
        clause_detail=rule.clause_detail,
        says=rule.says,
        comparisons=rule.comparisons,
    )


def _hits(fired: Iterable[Rule], fields: Fields) -> tuple[RuleHit, ...]:
    strongest: dict[str, Rule] = {}
    for rule in fired:
        rival = strongest.get(rule.family)
        if rival is None or rule.severity > rival.severity:
            strongest[rule.family] = rule
    ordered = sorted(strongest.values(), key=lambda rule: (-rule.outcome, -rule.severity))
    return tuple(hit(rule, fields) for rule in ordered)


def _counted(undecided: Iterable[Rule]) -> dict[Outcome, list[Rule]]:
    """The live rules that unknown fields leave open, by the outcome that they count as, without those that ask none."""
    counted: dict[Outcome, list[Rule]] = {}
    for rule in undecided:
        if rule.state is RuleState.LIVE and rule.counts_as_unknown > Outcome.ALLOW:
            counted.setdefault(rule.counts_as_unknown, []).append(rule)
    return dict(sorted(counted.items(), reverse=True))


def _unknown(counts_as: Outcome, rules: Collection[Rule], unknown: frozenset[str]) -> Degraded:
    names = [rule.id for rule in rules]
    fields = sorted(frozenset[str]().union(*(rule.when.fields for rule in rules)) & unknown)
    fallback = f"{', '.join(names)} {'counts' if len(names) == 1 else 'count'} as {counts_as.word.replace('_', ' ')}."
    return Degraded("rules", f"Not known: {', '.join(fields)}.", fallback)


def _known(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"The field {error.args[0]} is missing."
    return f"{type(error).__name__}: {error}."
