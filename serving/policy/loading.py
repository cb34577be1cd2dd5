"""Reads the policy's YAML files, and refuses with one clear sentence what is no valid rule."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from features.kernel.errors import Invalid
from serving.policy.fields import SCORES
from serving.policy.language import Condition, condition
from serving.policy.rules import ACCOUNT, EPISODE, Proposal, Rule, Threshold
from serving.policy.terms import CLAUSES, MEASURES, TYPOLOGIES, Comparison, Outcome, RuleState, Severity

LONGEST_MEASURE_DAYS = 180

_REQUIRED = frozenset(
    "id title clause version effective_from state subject typology severity outcome when thresholds values says".split()  # noqa: SIM905
)
_OPTIONAL = frozenset({"clause_detail", "clauses", "pattern", "family", "proposes", "thresholds_shown"})
_SEVERITIES = tuple(severity.word for severity in Severity)
_OUTCOMES = tuple(outcome.word for outcome in Outcome)
_STATES = tuple(state.value for state in RuleState)

FieldsBySubject = Mapping[str, Mapping[str, type]]


def load_rules(folder: Path, fields_by_subject: FieldsBySubject) -> tuple[tuple[Rule, ...], str]:
    """The rules of the folder's `*.yaml` files, checked against the fields of each subject, and a hash of the content.

    Raises:
        Invalid: a rule is wrong; the sentence names the file, the rule and what to do.
    """
    contents = {path.name: _records(path) for path in sorted(folder.glob("*.yaml"))}
    if not contents:
        raise Invalid(f"There are no rules (*.yaml) in {folder}; name the folder that holds them.")
    rules = tuple(_rule(record, file, fields_by_subject) for file, records in contents.items() for record in records)
    _require_unique(rules)
    _require_ordered_families(rules)
    return rules, hashlib.sha256(json.dumps(contents, sort_keys=True, default=str).encode()).hexdigest()


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key given twice is an error: the first value would be lost in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping, if each of its own keys stands there once."""
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _records(path: Path) -> list[Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 — derived from SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, list):
        raise Invalid(f"{path.name} must hold a list of rules.")
    return content


def _rule(record: Any, file: str, fields_by_subject: FieldsBySubject) -> Rule:
    name = record.get("id") if isinstance(record, dict) else None
    try:
        if not isinstance(record, dict):
            raise Invalid(f"a rule is a mapping, not {record!r}.")
        return _checked(record, fields_by_subject)
    except Invalid as error:
        raise Invalid(f"{file}, rule {name or '(without id)'}: {error}") from None


def _checked(record: Mapping[str, Any], fields_by_subject: FieldsBySubject) -> Rule:
    _require_keys("rule", record, _REQUIRED, _OPTIONAL)
    subject = _word("subject", record["subject"], (ACCOUNT, EPISODE))
    pattern = record.get("pattern")
    if (subject == EPISODE) is (pattern is None):
        raise Invalid("`pattern` names the pattern of an episode rule, and only of an episode rule.")
    key = pattern or subject
    if key not in fields_by_subject:
        raise Invalid(f"there are no fields for {key!r}; subjects are {', '.join(sorted(fields_by_subject))}.")
    fields = fields_by_subject[key]
    thresholds = _thresholds(record["thresholds"])
    when = condition(_text("when", record["when"]), fields, {name: t.value for name, t in thresholds.items()})
    clause = _word("clause", record["clause"], CLAUSES)
    values = _shown("values", record["values"])
    rule = Rule(
        id=_text("id", record["id"]),
        title=_text("title", record["title"]),
        clause=clause,
        clause_detail=None if record.get("clause_detail") is None else _text("clause_detail", record["clause_detail"]),
        clauses=_clauses(clause, record.get("clauses", [])),
        version=_date("version", record["version"]),
        effective_from=_date("effective_from", record["effective_from"]),
        state=RuleState(_word("state", record["state"], _STATES)),
        subject=subject,
        pattern=pattern,
        family=_text("family", record.get("family", record["id"])),
        typology=_word("typology", record["typology"], TYPOLOGIES),
        severity=Severity.of(_word("severity", record["severity"], _SEVERITIES)),
        outcome=Outcome.of(_word("outcome", record["outcome"], _OUTCOMES)),
        when=when,
        thresholds=thresholds,
        values=values,
        thresholds_shown=_shown("thresholds_shown", record.get("thresholds_shown", {})),
        comparisons=_compared(when, values),
        proposes=tuple(_proposal(proposal) for proposal in _list("proposes", record.get("proposes", []))),
        says=_text("says", record["says"]),
    )
    _require_coherent(rule, fields)
    return rule


def _require_coherent(rule: Rule, fields: Mapping[str, type]) -> None:
    unused = sorted(rule.thresholds.keys() - rule.when.thresholds)
    if unused:
        raise Invalid(f"threshold {unused[0]!r} is not used in `when`; use it or remove it.")
    unknown = sorted(rule.fields_needed - fields.keys())
    if unknown:
        raise Invalid(f"it shows the field {unknown[0]!r}, which does not exist.")
    twice = sorted(rule.thresholds.keys() & rule.thresholds_shown.keys())
    if twice:
        raise Invalid(f"threshold {twice[0]!r} is given twice, in `thresholds` and in `thresholds_shown`.")
    by_score_alone = rule.subject == ACCOUNT and rule.when.fields and rule.when.fields <= SCORES.keys()
    if by_score_alone and (rule.outcome > Outcome.REVIEW or rule.proposes):
        raise Invalid("a score alone may open a review, but never hold, block or propose a measure.")


def _require_unique(rules: tuple[Rule, ...]) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise Invalid(f"Rule id {rule.id!r} is used twice; every rule needs its own.")
        seen.add(rule.id)


def _require_ordered_families(rules: tuple[Rule, ...]) -> None:
    levels = sorted(rules, key=lambda rule: (rule.family, rule.severity))
    for lower, higher in pairwise(levels):
        if lower.family == higher.family and (lower.outcome > higher.outcome or lower.severity == higher.severity):
            raise Invalid(
                f"Rules {lower.id} and {higher.id} of family {lower.family!r} must rise in severity and outcome."
            )


def _thresholds(record: Any) -> dict[str, Threshold]:
    thresholds = {}
    for name, entry in _mapping("thresholds", record).items():
        _require_keys(f"threshold {name!r}", _mapping(f"threshold {name!r}", entry), {"value", "unit", "source"})
        value = entry["value"]
        if not isinstance(value, (int, float, str, bool)):
            raise Invalid(f"threshold {name!r} is {value!r}; it must be a number, a text or a boolean.")
        thresholds[str(name)] = Threshold(value, _text("unit", entry["unit"]), _text("source", entry["source"]))
    return thresholds


def _clauses(main: str, record: Any) -> tuple[str, ...]:
    others = [_word("clauses", clause, CLAUSES) for clause in _list("clauses", record)]
    return tuple(dict.fromkeys([main, *others]))


def _shown(what: str, record: Any) -> dict[str, str]:
    if isinstance(record, list):
        return {_text(what, name): name for name in record}
    return {_text(what, key): _text(what, field) for key, field in _mapping(what, record).items()}


def _compared(when: Condition, values: Mapping[str, str]) -> dict[str, Comparison]:
    keys = {field: key for key, field in values.items()}
    return {name: replace(one, of=keys.get(one.of or "")) for name, one in when.comparisons.items()}


def _proposal(record: Any) -> Proposal:
    _require_keys("a proposal", _mapping("a proposal", record), {"measure"}, {"days", "scope"})
    days, scope = record.get("days"), record.get("scope")
    if days is not None and (type(days) is not int or not 1 <= days <= LONGEST_MEASURE_DAYS):
        raise Invalid(f"`days` is {days!r}; a rule proposes 1 to {LONGEST_MEASURE_DAYS} days (clause 7.3.2).")
    measure = _word("measure", record["measure"], MEASURES)
    return Proposal(measure, days, None if scope is None else _text("scope", scope))


def _require_keys(
    what: str,
    record: Mapping[Any, Any],
    required: frozenset[str] | set[str],
    optional: frozenset[str] | set[str] = frozenset(),
) -> None:
    missing = sorted(required - record.keys())
    if missing:
        raise Invalid(f"{what} lacks `{missing[0]}`.")
    extra = sorted(str(key) for key in record if key not in required and key not in optional)
    if extra:
        raise Invalid(f"{what} has the unknown key `{extra[0]}`; known are {', '.join(sorted(required | optional))}.")


def _word(what: str, value: Any, words: tuple[str, ...]) -> str:
    if value not in words:
        raise Invalid(f"`{what}` is {value!r}; it must be one of {', '.join(words)}.")
    return str(value)


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Invalid(f"`{what}` is {value!r}; it must be a text.")
    return value.strip()


def _date(what: str, value: Any) -> date:
    if type(value) is not date:
        raise Invalid(f"`{what}` is {value!r}; it must be a date like 2025-10-01.")
    return value


def _list(what: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Invalid(f"`{what}` is {value!r}; it must be a list.")
    return value


def _mapping(what: str, value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise Invalid(f"`{what}` is {value!r}; it must be a mapping.")
    return value
