"""The shipped rules fire where they must, spare what stays below, and keep to the guideline's clauses."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.policy.evaluation import evaluate
from serving.policy.rules import Rule
from serving.policy.terms import Outcome, Severity, Value
from tests.serving.policy.fields import POLICY, neutral_fields

EXAMPLES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "rule_examples.yaml").read_text(encoding="utf-8"))
RING = EXAMPLES["position-limit-ring-critical"]["fires"]


def fired(rule: Rule, changes: dict[str, Value]) -> set[str]:
    evaluation = evaluate(POLICY, rule.subject_key, neutral_fields(rule.subject_key) | changes)
    assert evaluation.degraded == ()
    return {hit.rule_id for hit in (*evaluation.hits, *evaluation.shadow_hits)}


def test_every_rule_has_an_example() -> None:
    assert EXAMPLES.keys() == {rule.id for rule in POLICY.rules}


@pytest.mark.parametrize("rule", POLICY.rules, ids=lambda rule: rule.id)
@pytest.mark.fires("D01", "D08", "D10", "D11", "D13", "D14")
def test_a_rule_fires_on_its_example_and_spares_what_stays_below(rule: Rule) -> None:
    example = EXAMPLES[rule.id]
    assert rule.id in fired(rule, example["fires"])
    assert rule.id not in fired(rule, example["fires"] | example["spared"])


def test_a_neutral_account_meets_no_rule() -> None:
    evaluation = evaluate(POLICY, "account", neutral_fields("account"))
    assert (evaluation.outcome, evaluation.severity, evaluation.hits) == (Outcome.ALLOW, Severity.INFO, ())


def test_missing_values_make_no_rule_fire() -> None:
    unknown: dict[str, Value] = dict.fromkeys(neutral_fields("account"))
    assert evaluate(POLICY, "account", unknown).hits == ()


@pytest.mark.parametrize("clause", ["4.2", "4.4", "5.2", "5.3", "5.4", "6", "8"])
def test_the_pack_covers_the_clause(clause: str) -> None:
    assert any(rule.clause == clause for rule in POLICY.rules)


@pytest.mark.parametrize(
    "rule_id",
    [
        "wash-linked-high",
        "wash-linked-critical",
        "spoofing-high",
        "layering-high",
        "excessive-cancels",
        "quote-stuffing",
    ],
)
def test_a_market_maker_with_an_agreement_is_left_to_the_models(rule_id: str) -> None:
    rule = POLICY.rule(rule_id)
    assert fired(rule, EXAMPLES[rule_id]["fires"] | {"market_maker": 1.0}) == set()


def test_every_threshold_names_its_source() -> None:
    assert all(t.source and t.unit for rule in POLICY.rules for t in rule.thresholds.values())


def test_a_score_alone_opens_a_review_at_most() -> None:
    by_score = [rule for rule in POLICY.rules if rule.id.startswith(("model-", "anomaly-"))]
    assert by_score
    assert all(rule.outcome <= Outcome.REVIEW and not rule.proposes for rule in by_score)


# Methods 4.5: what each scenario changes of the ring that shows all five signs, and the level it must get.
@pytest.mark.parametrize(
    ("changes", "level"),
    [
        pytest.param({}, "critical", id="POS"),
        pytest.param({"market_share": 0.4, "sync_ms": 999.0}, "critical", id="on the edges"),
        pytest.param(
            {"sync_strict": False, "sync_loose_accounts": 2, "price_range_ticks": 30, "market_share": 0.1},
            None,
            id="N1",
        ),
        pytest.param({"shared_identifier": False}, None, id="N2 N5 P4"),
        pytest.param({"combined_usd": 225_000, "limit_usd": 500_000}, "medium", id="N3"),
        pytest.param(
            {
                "sync_strict": False,
                "sync_loose_accounts": 0,
                "sync_ms": 41_000,
                "price_range_ticks": 9,
                "combined_usd": 2100,
                "market_share": 0.01,
            },
            None,
            id="N4",
        ),
        pytest.param({"combined_usd": 900, "market_usd": 900, "market_share": 0.83}, "medium", id="N6"),
        pytest.param({"combined_usd": 98_000}, "medium", id="N7"),
        pytest.param({"combined_usd": 100_000}, "medium", id="combined equal to the limit"),
        pytest.param({"sync_strict": False, "sync_ms": 4100}, "high", id="H1"),
        pytest.param({"price_range_ticks": 9}, "high", id="H3"),
        pytest.param({"market_share": 0.3}, "high", id="H4"),
        pytest.param({"market_share": 0.399}, "high", id="share just below"),
        pytest.param({"sync_ms": 1001.0}, "high", id="span just above"),
        pytest.param({"price_range_ticks": 2}, "high", id="spread just above"),
        pytest.param({"linked_accounts": 2}, None, id="two accounts"),
        pytest.param({"entities": 1}, "medium", id="one declared entity"),
        pytest.param({"each_within_limit": False}, "medium", id="one of them over its own limit"),
        pytest.param({"outside_accounts": 4}, "high", id="too few outside"),
        pytest.param({"price_range_ticks": 9, "market_share": 0.1}, "medium", id="A B D"),
    ],
)
def test_the_position_limit_ring_gets_the_level_of_methods_4_3(changes: dict[str, Value], level: str | None) -> None:
    hits = evaluate(POLICY, "position_limit_ring", RING | changes).hits
    assert [hit.severity.word for hit in hits] == ([level] if level else [])


def test_the_ring_shows_the_five_values_beside_their_thresholds() -> None:
    (hit,) = evaluate(POLICY, "position_limit_ring", RING).hits
    shared = {"linked_accounts", "sync_ms", "price_range_ticks", "combined_usd", "market_share"}
    assert shared <= hit.values.keys() & hit.thresholds.keys()
    assert (hit.values["combined_usd"], hit.thresholds["combined_usd"]) == (270_000, 100_000)
    assert hit.clauses == ("8", "5.4")


def test_a_market_without_a_limit_shows_none_and_exceeds_nothing() -> None:
    (hit,) = evaluate(POLICY, "position_limit_ring", RING | {"limit_usd": float("inf")}).hits
    assert (hit.severity.word, hit.thresholds["combined_usd"]) == ("medium", None)
