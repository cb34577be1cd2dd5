"""A rule that is not valid is refused at load, with a sentence that names the file and the rule."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from features.kernel.errors import Invalid, NotFound
from serving.policy.book import Policy
from serving.policy.fields import rule_fields

FIELDS = rule_fields(["cancel_ratio_7d", "orders_n_7d"])
RULE = """
id: many-cancels
title: Many cancels
clause: "5.3"
version: 2025-10-01
effective_from: 2025-10-01
state: live
subject: account
typology: excessive_orders
severity: medium
outcome: review
when: cancel_ratio_7d >= :cancel_share and orders_n_7d > 0
thresholds:
  cancel_share: {value: 0.8, unit: share, source: docs/methods.md#d06-excessive-orders}
values: {cancel_share: cancel_ratio_7d}
proposes: [{measure: observation, days: 30}]
if_unknown: ignore
if_unknown_reason: The floor for an unknown vector covers this.
holder_message: review
says: Most orders were cancelled.
"""


def rule_with(**changes: Any) -> dict[str, Any]:
    record: dict[str, Any] = yaml.safe_load(RULE) | changes
    return {key: value for key, value in record.items() if value != "absent"}


def load(folder: Path, *records: Any) -> Policy:
    (folder / "5.3-test.yaml").write_text(yaml.safe_dump(list(records)), encoding="utf-8")
    return Policy.load(FIELDS, folder)


def test_a_valid_rule_is_read_whole(tmp_path: Path) -> None:
    policy = load(tmp_path, rule_with(clauses=["5.5"]))
    rule = policy.rule("many-cancels")
    assert (rule.clauses, rule.values, rule.family) == (("5.3", "5.5"), {"cancel_share": "cancel_ratio_7d"}, rule.id)
    assert rule.opens_review
    assert policy.fields_read("account") == {"cancel_ratio_7d", "orders_n_7d"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"when": "cancel_ratio > :cancel_share"}, "no field 'cancel_ratio'; near: cancel_ratio_7d"),
        ({"when": "cancel_ratio_7d > :cancel_shar"}, "no threshold 'cancel_shar'; near: cancel_share"),
        ({"when": "cancel_ratio_7d > 0.8"}, "'cancel_share' is not used"),
        ({"when": "cancel_ratio_7d"}, "true or false"),
        ({"when": "cancel_ratio_7d >"}, "cannot be read"),
        ({"when": 3}, "must be a text"),
        ({"values": ["cancel_rate"]}, "'cancel_rate', which does not exist"),
        ({"values": "cancel_ratio_7d"}, "must be a mapping"),
        ({"colour": "red"}, "unknown key `colour`"),
        ({"title": "absent"}, "lacks `title`"),
        ({"title": " "}, "must be a text"),
        ({"clause": "5.9"}, "must be one of"),
        ({"clause": 5.3}, "must be one of"),
        ({"clauses": ["0"]}, "must be one of"),
        ({"state": "alive"}, "draft, shadow, live, retired"),
        ({"severity": "awful"}, "info, low, medium"),
        ({"outcome": "deny"}, "allow, monitor"),
        ({"typology": "theft"}, "must be one of"),
        ({"subject": "person"}, "account, episode"),
        ({"subject": "episode"}, "`pattern` names"),
        ({"pattern": "position_limit_ring"}, "`pattern` names"),
        ({"subject": "episode", "pattern": "rings"}, "no fields for 'rings'"),
        ({"version": "October"}, "a date like"),
        ({"thresholds": {"cancel_share": 0.8}}, "must be a mapping"),
        ({"thresholds": {"cancel_share": {"value": 0.8, "unit": "share"}}}, "lacks `source`"),
        ({"thresholds": {"cancel_share": {"value": None, "unit": "x", "source": "y"}}}, "a number, a text"),
        ({"thresholds_shown": {"cancel_share": "orders_n_7d"}}, "given twice"),
        ({"proposes": [{"measure": "prison"}]}, "must be one of"),
        ({"proposes": [{"measure": "restriction", "days": 181}]}, "1 to 180 days"),
        ({"proposes": [{"measure": "restriction", "hours": 1}]}, "unknown key `hours`"),
        ({"proposes": "observation"}, "must be a list"),
        ({"when": "m_score > :cancel_share", "values": ["m_score"]}, "a score alone"),
        ({"when": "m_score > :cancel_share", "values": [], "proposes": [], "outcome": "hold"}, "a score alone"),
    ],
)
def test_a_wrong_rule_is_refused_by_name(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Invalid, match=r"5\.3-test\.yaml, rule many-cancels: ") as refusal:
        load(tmp_path, rule_with(**changes))
    assert sentence in str(refusal.value)


def test_a_rule_id_is_used_once(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="used twice"):
        load(tmp_path, rule_with(), rule_with())


def test_the_levels_of_a_family_rise_together(tmp_path: Path) -> None:
    low = rule_with(family="cancels", outcome="hold")
    with pytest.raises(Invalid, match="must rise"):
        load(tmp_path, low, rule_with(id="more-cancels", family="cancels", severity="high", outcome="review"))


@pytest.mark.parametrize("content", ["rules: [", "just: a mapping", "- a text", "- {id: a, id: b}"])
def test_a_file_that_holds_no_rules_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "broken.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(Invalid, match=r"broken\.yaml"):
        Policy.load(FIELDS, tmp_path)


def test_a_folder_without_rules_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no rules"):
        Policy.load(FIELDS, tmp_path)


def test_the_version_changes_with_the_content_and_with_nothing_else(tmp_path: Path) -> None:
    first = load(tmp_path, rule_with()).version
    assert first.startswith("2025-10-01-")
    assert load(tmp_path, rule_with()).version == first
    assert load(tmp_path, rule_with(says="Many orders were cancelled.")).version != first


def test_an_unknown_rule_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no rule 'nosuch'"):
        load(tmp_path, rule_with()).rule("nosuch")
