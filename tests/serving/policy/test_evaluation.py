"""Rules are asked one by one: levels of one finding count once, shadow has no effect, an error stops nobody."""

import math
from datetime import date
from pathlib import Path

from serving.policy.evaluation import evaluate
from serving.policy.terms import Outcome, Severity
from tests.serving.policy.fields import POLICY, neutral_fields
from tests.serving.policy.test_loading import load, rule_with


def test_of_a_family_only_the_most_severe_hit_is_reported() -> None:
    fields = neutral_fields("account") | {"spoof_episodes_1d": 6, "cancel_after_own_fill_lift_7d": 3}
    assert [hit.rule_id for hit in evaluate(POLICY, "account", fields).hits] == ["spoofing-high"]


def test_hits_stand_in_falling_order_and_the_most_severe_outcome_wins() -> None:
    fields = neutral_fields("account") | {
        "request_type": "withdrawal",
        "structuring_bursts_7d": 1,
        "legal_order_in_force": True,
        "legal_order_scope": "freeze",
        "withdrawal_hold_in_force": True,
    }
    evaluation = evaluate(POLICY, "account", fields)
    assert [hit.rule_id for hit in evaluation.hits] == ["legal-freeze", "withdrawal-hold", "structuring"]
    assert (evaluation.outcome, evaluation.severity) == (Outcome.BLOCK, Severity.LEGAL)


def test_a_shadow_rule_is_reported_apart_and_changes_nothing() -> None:
    fields = neutral_fields("account") | {"ui_orders_n_7d": 500, "orders_per_second_max_1d": 9, "ui_less_share_7d": 0.6}
    evaluation = evaluate(POLICY, "account", fields)
    assert [hit.rule_id for hit in evaluation.shadow_hits] == ["ui-less-rate"]
    assert (evaluation.outcome, evaluation.hits) == (Outcome.ALLOW, ())


def test_a_rule_that_errs_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    policy = load(tmp_path, rule_with(), rule_with(id="busy", when="orders_n_7d > 5", thresholds={}, values=[]))
    missing = evaluate(policy, "account", {"orders_n_7d": 6})
    assert [hit.rule_id for hit in missing.hits] == ["busy"]
    assert [entry.component for entry in missing.degraded] == ["rule many-cancels"]
    assert "cancel_ratio_7d is missing" in missing.degraded[0].reason
    odd = evaluate(policy, "account", {"orders_n_7d": 6, "cancel_ratio_7d": "much"})
    assert (len(odd.hits), "TypeError" in odd.degraded[0].reason) == (1, True)


def test_draft_and_retired_rules_and_rules_not_yet_in_effect_are_not_asked(tmp_path: Path) -> None:
    fields = {"cancel_ratio_7d": 0.9, "orders_n_7d": 9}
    policy = load(tmp_path, rule_with(), rule_with(id="a", state="draft"), rule_with(id="b", state="retired"))
    assert [hit.rule_id for hit in evaluate(policy, "account", fields, on=date(2025, 10, 1)).hits] == ["many-cancels"]
    assert evaluate(policy, "account", fields, on=date(2025, 9, 30)).hits == ()


def test_a_hit_shows_values_and_thresholds_with_missing_ones_as_none(tmp_path: Path) -> None:
    policy = load(
        tmp_path, rule_with(values=["cancel_ratio_7d", "orders_n_7d"], when="cancel_ratio_7d >= :cancel_share")
    )
    (hit,) = evaluate(policy, "account", {"cancel_ratio_7d": 0.9, "orders_n_7d": math.nan}).hits
    assert hit.values == {"cancel_ratio_7d": 0.9, "orders_n_7d": None}
    assert hit.thresholds == {"cancel_share": 0.8}
    assert (hit.version, hit.says) == ("2025-10-01", "Most orders were cancelled.")
