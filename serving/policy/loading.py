"""Reads the policy's YAML files, and refuses with one clear sentence what is no valid rule."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from features.kernel.documents import read_yaml, validated
from features.kernel.errors import Invalid
from serving.policy.documents import RuleDocument
from serving.policy.fields import RECORD_FIELDS, SCORES
from serving.policy.language import Condition, condition
from serving.policy.rules import ACCOUNT, EPISODE, Proposal, Rule, Start, Threshold
from serving.policy.terms import Comparison, IfUnknown, Outcome, RuleState, Severity

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


def _records(path: Path) -> list[Any]:
    content = read_yaml(path)
    if not isinstance(content, list):
        raise Invalid(f"{path.name} must hold a list of rules.")
    return content


def _rule(record: Any, file: str, fields_by_subject: FieldsBySubject) -> Rule:
    name = record.get("id") if isinstance(record, dict) else None
    try:
        return _checked(validated(record, RuleDocument), fields_by_subject)
    except Invalid as error:
        raise Invalid(f"{file}, rule {name or '(without id)'}: {error}") from None


def _checked(document: RuleDocument, fields_by_subject: FieldsBySubject) -> Rule:
    if (document.subject == EPISODE) is (document.pattern is None):
        raise Invalid("`pattern` names the pattern of an episode rule, and only of an episode rule.")
    key = document.pattern or document.subject
    if key not in fields_by_subject:
        raise Invalid(f"there are no fields for {key!r}; subjects are {', '.join(sorted(fields_by_subject))}.")
    fields = fields_by_subject[key]
    when = condition(document.when, fields, {name: threshold.value for name, threshold in document.thresholds.items()})
    rule = Rule(
        id=document.id,
        title=document.title,
        clause=document.clause,
        clause_detail=document.clause_detail,
        clauses=tuple(dict.fromkeys([document.clause, *document.clauses])),
        version=document.version,
        effective_from=document.effective_from,
        state=RuleState(document.state),
        subject=document.subject,
        pattern=document.pattern,
        family=document.family or document.id,
        typology=document.typology,
        severity=Severity.of(document.severity),
        outcome=Outcome.of(document.outcome),
        when=when,
        thresholds={
            name: Threshold(threshold.value, threshold.unit, threshold.source)
            for name, threshold in document.thresholds.items()
        },
        values=dict(document.values),
        thresholds_shown=dict(document.thresholds_shown),
        comparisons=_compared(when, document.values),
        proposes=tuple(Proposal(proposal.measure, proposal.days, proposal.scope) for proposal in document.proposes),
        says=document.says,
        if_unknown=_if_unknown(document),
        starts=tuple(Start(start.measure, start.hours, start.scope) for start in document.starts),
        holder_message=document.holder_message,
    )
    _require_coherent(rule, fields)
    _require_closed(rule)
    return rule


def _if_unknown(document: RuleDocument) -> IfUnknown | None:
    if document.subject == EPISODE:
        if document.if_unknown or document.if_unknown_reason:
            raise Invalid("`if_unknown` belongs to an account rule; the values of an episode are all known.")
        return None
    if not document.if_unknown or not document.if_unknown_reason:
        words = ", ".join(word.value for word in IfUnknown)
        raise Invalid(
            f"`if_unknown` ({words}) says what an account rule counts as while a value is not known, and "
            "`if_unknown_reason` why; give both."
        )
    return IfUnknown(document.if_unknown)


def _require_closed(rule: Rule) -> None:
    facts = sorted(rule.when.fields & RECORD_FIELDS)
    if rule.if_unknown is IfUnknown.IGNORE and rule.outcome >= Outcome.STEP_UP and facts:
        raise Invalid(
            f"it reads {facts[0]}, a fact of the account record, and asks for {rule.outcome.word}: `if_unknown` must "
            "be `fires` or `review`."
        )


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
    if by_score_alone and (rule.outcome > Outcome.REVIEW or rule.proposes or rule.starts):
        raise Invalid("a score alone may open a review, but never hold, block, start or propose a measure.")
    if rule.starts and not rule.opens_review:
        raise Invalid("it starts a measure and opens no review; a person must be able to end what a rule starts.")


def _require_unique(rules: tuple[Rule, ...]) -> None:
    ids: set[str] = set()
    for rule in rules:
        if rule.id in ids:
            raise Invalid(f"Rule id {rule.id!r} is used twice; every rule needs its own.")
        ids.add(rule.id)


def _require_ordered_families(rules: tuple[Rule, ...]) -> None:
    levels = sorted(rules, key=lambda rule: (rule.family, rule.severity))
    for lower, higher in pairwise(levels):
        if lower.family == higher.family and (lower.outcome > higher.outcome or lower.severity == higher.severity):
            raise Invalid(
                f"Rules {lower.id} and {higher.id} of family {lower.family!r} must rise in severity and outcome."
            )


def _compared(when: Condition, values: Mapping[str, str]) -> dict[str, Comparison]:
    keys = {field: key for key, field in values.items()}
    return {
        name: replace(comparison, of=keys.get(comparison.of or "")) for name, comparison in when.comparisons.items()
    }
