"""Tests of what the templates are given: conditions, waterfalls and link graphs."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.policy.evaluation import evaluate
from serving.policy.terms import TYPOLOGIES as KNOWN
from serving.policy.terms import RuleHit
from serving.reviews.conditions import conditions_of, sentence_of
from serving.reviews.link_graph import HEIGHT, MAX_NODES, WIDTH, link_graph
from serving.reviews.model import AccountLink, Finding, ReviewStatus
from serving.reviews.views import case_page, queue_row
from serving.web.waterfall import BAR_LEFT, BAR_WIDTH, MAX_BARS, waterfall_of
from serving.web.wording import TYPOLOGIES
from tests.serving.cases import NOW, POSITION_RULE, drawn_review, explanation, plain_review, ring_review
from tests.serving.policy.fields import POLICY, neutral_fields

AMOUNTS = st.lists(st.floats(-50, 50), min_size=0, max_size=30)


def drawn(base: float, amounts: list[float]) -> dict[str, object]:
    """An explanation of those contributions."""
    rows = [{"feature": f"f{n}", "value": n, "contribution": amount, "text": ""} for n, amount in enumerate(amounts)]
    score = base + sum(amounts)
    return explanation("A1") | {"base": base, "score": score, "contributions": rows}


def test_every_typology_has_words() -> None:
    assert set(TYPOLOGIES) == set(KNOWN)


@given(st.floats(-20, 20), AMOUNTS)
def test_every_bar_stays_inside_the_picture_and_none_is_lost(base: float, amounts: list[float]) -> None:
    chart = waterfall_of(drawn(base, amounts))
    assert len(chart.bars) == min(len(amounts), MAX_BARS) + (len(amounts) > MAX_BARS) + 2
    for bar in chart.bars:
        assert bar.width >= 1
        assert BAR_LEFT - 0.01 <= bar.x <= BAR_LEFT + BAR_WIDTH + 0.01
        assert bar.x + bar.width <= BAR_LEFT + BAR_WIDTH + 1.02
        assert bar.y + 16 <= chart.height


def test_the_bars_lead_from_the_base_to_the_score() -> None:
    chart = waterfall_of(drawn(-2.0, [3.0, -1.5, 0.25]))
    assert [bar.amount for bar in chart.bars] == ["−2.00", "+3.00", "−1.50", "+0.25", "−0.25"]
    assert [bar.kind for bar in chart.bars] == ["total", "up", "down", "up", "total"]
    assert chart.reasons[0].percentile is None


def test_a_condition_is_shown_beside_its_threshold() -> None:
    linked, sync, *_ = conditions_of(POSITION_RULE)
    assert (linked.name, linked.value, linked.threshold, linked.filled) == ("linked accounts", "6", "3", 100.0)
    assert (sync.ratio, sync.filled) == ("0.41 × the threshold", 20.6)


@pytest.mark.parametrize("value", [None, True, "word", -1.0, float("nan")])
def test_what_cannot_be_compared_has_no_bar(value: object) -> None:
    rule = replace(POSITION_RULE, values={"x": value}, thresholds={"x": 3})  # type: ignore[dict-item]
    assert [condition.filled for condition in conditions_of(rule)] == [None]


def test_a_lone_value_and_a_lone_threshold_belong_together() -> None:
    rule = replace(POSITION_RULE, values={"amount_usd": 60_000.0}, thresholds={"large": 50_000}, says="Large.")
    assert sentence_of(rule) == "Large: amount USD 60,000 (threshold 50,000)"


def test_a_threshold_without_a_value_is_still_shown() -> None:
    rule = replace(POSITION_RULE, values={"a": 1.0, "b": 2.0}, thresholds={"a": 1.0, "other": 4.0})
    assert [(c.name, c.value, c.threshold) for c in conditions_of(rule)] == [
        ("a", "1", "1"),
        ("b", "2", None),
        ("other", "", "4"),
    ]


@given(st.integers(1, 20))
def test_a_graph_is_drawn_for_as_many_accounts_as_can_be_read(count: int) -> None:
    names = [f"A{n}" for n in range(count)]
    links = [AccountLink(a, b, "ip", 0.5, "") for a in names for b in names]
    picture = link_graph(names, links)
    assert (picture is None) == (count > MAX_NODES)
    for node in picture.nodes if picture else ():
        assert 0 < node.x < WIDTH
        assert 0 < node.label_y < HEIGHT


def test_without_links_there_is_no_graph() -> None:
    assert link_graph(["A1"], []) is None


def test_evidence_is_shown_in_order_and_bounded() -> None:
    page = case_page(ring_review(), [], NOW)
    assert len(page.evidence) == 20
    assert page.counts == (("position limit ring", 26),)
    assert [row.moment for row in page.evidence] == sorted(row.moment for row in page.evidence)


def test_a_case_without_rules_or_explanations_has_a_page() -> None:
    page = case_page(plain_review("p"), [], NOW)
    assert (page.rules, page.waterfalls, page.graph) == ((), (), None)
    assert page.summary == "Among the most unusual accounts of the week"


def test_a_drawn_case_says_so_until_a_person_finds_something_in_it() -> None:
    lot = replace(drawn_review("r"), priority=0.00251)
    guilty = replace(lot, status=ReviewStatus.CLOSED, finding=Finding.CONFIRMED, typology="money_laundering")
    rows = [queue_row(review, NOW) for review in (lot, replace(guilty, finding=Finding.CLEARED), guilty)]
    assert [row.heading for row in rows] == [
        "Random sample",
        "Random sample",
        "Suspected money laundering, random sample",
    ]
    assert [row.status for row in rows] == ["open", "closed · cleared", "closed · confirmed"]
    assert [row.priority for row in rows] == ["0.0025", "", ""]


def test_a_condition_says_which_way_it_is_compared_and_whether_it_is_met() -> None:
    found = {"taint_indirect_share_30d": 0.0007, "taint_indirect_usd_30d": 1_574.0}
    (hit,) = evaluate(POLICY, "account", neutral_fields("account") | found).hits
    by_share, by_amount, dust = conditions_of(RuleHit.from_json(hit.to_json()))
    assert (by_share.threshold, by_share.meets_threshold) == ("≥ 0.1", False)
    assert (by_amount.threshold, by_amount.meets_threshold) == ("≥ 1,000", True)
    assert (dust.name, dust.value, dust.threshold, dust.meets_threshold) == ("dust USD", "1,574", "≥ 10", True)
    assert "share" not in sentence_of(hit).partition(":")[2]


def test_of_a_case_from_before_directions_nothing_is_said_about_them() -> None:
    old = replace(POSITION_RULE, comparisons={})
    assert {condition.meets_threshold for condition in conditions_of(old)} == {None}
