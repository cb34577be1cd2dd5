"""What is unknown raises an outcome and never lowers it, whichever facts, features and scores are unknown."""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from features.kernel.errors import Invalid
from serving.decisions.fields import Clock, account_fields, unknown_fields
from serving.decisions.model import decide
from serving.decisions.request import ACTION_TYPES, MONEY_OUT, DecisionRequest
from serving.measures.model import Measure, MeasureState
from serving.policy.book import Policy
from serving.policy.evaluation import evaluate
from serving.policy.fields import FACTS, RECORD_FIELDS, SCORES, rule_fields
from serving.policy.floors import Unknown
from serving.policy.rules import ACCOUNT, Rule
from serving.policy.terms import MEASURES, IfUnknown, Outcome, Value
from serving.record.model import AccountFacts, AccountState, LegalOrder, Scores, WatchlistEntry
from tests.serving.policy.fields import POLICY, idle_vector, neutral_fields
from tests.serving.policy.test_loading import rule_with
from tests.serving.policy.test_rule_pack import EXAMPLES

EXAMPLES_DRAWN = int(os.environ.get("MSCORE_UNKNOWN", "300"))
NOW = datetime(2025, 5, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = [rule for rule in POLICY.rules if rule.subject == ACCOUNT]
KNOWN_SCORES = Scores(0.4, 0.5, {"wash_trading": 0.02}, 640.0)
LISTS = ("sanctions", "criminal", "banned_identity", "mixer", "prohibited_country", "edd_country")


def fired(fields: Mapping[str, Value], unknown: frozenset[str] = frozenset()) -> Outcome:
    return evaluate(POLICY, ACCOUNT, fields, unknown=unknown).outcome


def harmless(fields: Mapping[str, Value], unknown: frozenset[str]) -> dict[str, Value]:
    """The fields with those unknown at a value at which no rule that reads them fires: that of an idle account or none.

    Days since an expiry, say, are harmless only where there are none.
    """
    idle = neutral_fields(ACCOUNT)
    at_rest = {**fields, **{name: idle[name] for name in unknown}}
    for rule in RULES:
        if not rule.when.fields.isdisjoint(unknown) and rule.when.holds(at_rest):
            at_rest |= dict.fromkeys(rule.when.fields & unknown)
    return at_rest


def undecided_by_hand(rule: Rule, fields: Mapping[str, Value], unknown: frozenset[str]) -> bool:
    """Whether some value from the rule's own example makes it fire, all other fields as they are."""
    told = {name: value for name, value in EXAMPLES[rule.id]["fires"].items() if name in unknown}
    return bool(rule.when.holds({**fields, **told}))


@st.composite
def subjects(draw: st.DrawFn) -> dict[str, Value]:
    """The fields of an account for which some rules fire, and of a request."""
    fields = neutral_fields(ACCOUNT) | {"request_type": draw(st.sampled_from(ACTION_TYPES))}
    for rule in draw(st.lists(st.sampled_from(RULES), max_size=4, unique_by=lambda rule: rule.id)):
        told = EXAMPLES[rule.id]["fires"]
        fields |= {name: value for name, value in told.items() if name != "request_type" or draw(st.booleans())}
    return fields


UNKNOWABLE = sorted(POLICY.features | FACTS.keys() | RECORD_FIELDS | (SCORES.keys() & POLICY.scores))
unknowns = st.one_of(
    st.frozensets(st.sampled_from(UNKNOWABLE), max_size=8),
    st.sampled_from([frozenset(POLICY.features), RECORD_FIELDS, frozenset(SCORES), frozenset(UNKNOWABLE)]),
)


@settings(max_examples=EXAMPLES_DRAWN, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(fields=subjects(), unknown=unknowns)
def test_no_rule_counts_for_less_because_a_value_is_unknown(fields: dict[str, Value], unknown: frozenset[str]) -> None:
    """Rules alone: against the same values known and harmless, and through every rule whose own inputs are known."""
    without = {**fields, **dict.fromkeys(unknown)}
    outcome = fired(without, unknown)
    assert outcome >= fired(harmless(fields, unknown))
    for rule in RULES:
        if rule.state != "live":
            continue
        if rule.when.fields.isdisjoint(unknown):
            if rule.when.holds(fields):
                assert outcome >= rule.outcome, rule.id
        elif undecided_by_hand(rule, without, unknown):
            event("a rule left open")
            assert outcome >= rule.counts_as_unknown, rule.id


@st.composite
def states(draw: st.DrawFn) -> AccountState:
    """An account with some facts, whose vector lets some rules fire."""
    vector = idle_vector()
    for rule in draw(st.lists(st.sampled_from(RULES), max_size=2, unique_by=lambda rule: rule.id)):
        vector |= {name: float(value) for name, value in EXAMPLES[rule.id]["fires"].items() if name in vector}
    ago = st.integers(0, 50).map(lambda hours: NOW - hours * HOUR)
    entries = st.builds(
        WatchlistEntry, st.sampled_from(LISTS), st.sampled_from(["address", "owner", "country", "name"]),
        st.sampled_from(["addr-1", "XX"]), ago,
    )  # fmt: skip
    measures = st.builds(
        Measure, st.just("m-1"), st.sampled_from(MEASURES), st.just("a"), st.just("7.3"), st.just("account"), ago,
        st.just("rev-a"), st.just(MeasureState.IN_FORCE),
    )  # fmt: skip
    orders = st.builds(LegalOrder, st.just("o-1"), st.sampled_from(["freeze", "withdrawals", "trading"]), ago)
    facts = AccountFacts(
        credential_changed_at=draw(st.none() | ago),
        addresses_added=draw(st.dictionaries(st.just("addr-1"), ago)),
        legal_orders=tuple(draw(st.lists(orders, max_size=1))),
        watchlist=tuple(draw(st.lists(entries, max_size=2))),
        ip_country=draw(st.none() | st.just("XX")),
    )
    found = tuple(draw(st.lists(measures, max_size=1)))
    return AccountState("a", as_of=NOW - HOUR, vector=vector, scores=KNOWN_SCORES, facts=facts, measures=found)


def without(state: AccountState, parts: frozenset[Unknown], lost: frozenset[str], is_harmless: bool) -> AccountState:
    """The state with parts of it lost, or known and harmless."""
    if lost:
        idle = {name: value for name, value in idle_vector().items() if is_harmless and name in lost}
        state = replace(state, vector={n: v for n, v in state.vector.items() if n not in lost} | idle)
    if Unknown.VECTOR in parts:
        state = replace(state, vector=idle_vector() if is_harmless else {}, as_of=state.as_of if is_harmless else None)
    if Unknown.SCORES in parts:
        state = replace(state, scores=KNOWN_SCORES if is_harmless else Scores())
    if Unknown.RECORD in parts:
        state = replace(state, facts=AccountFacts(), measures=())
    return state


requests = st.builds(
    DecisionRequest,
    st.just("a"),
    st.sampled_from(ACTION_TYPES),
    st.just(NOW),
    amount_usd=st.sampled_from([Decimal(10), Decimal(50_000)]),
    address=st.sampled_from(["addr-1", "addr-2"]),
    product=st.sampled_from(["spot", "perp"]),
    effect=st.sampled_from([None, "open", "close"]),
)
REPLACEABLE = frozenset({Unknown.VECTOR, Unknown.RECORD, Unknown.SCORES})


@settings(max_examples=EXAMPLES_DRAWN, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    state=states(),
    request=requests,
    parts=st.frozensets(st.sampled_from(sorted(REPLACEABLE))),
    lost=st.frozensets(st.sampled_from(sorted(POLICY.features)), max_size=5),
)
def test_a_decision_without_something_is_never_milder(
    state: AccountState, request: DecisionRequest, parts: frozenset[Unknown], lost: frozenset[str]
) -> None:
    """Whole decisions: against harmless values, the floors, and the rules whose own inputs are still known."""
    poor, harmless = (without(state, parts, lost, is_harmless) for is_harmless in (False, True))
    is_known = Unknown.RECORD not in parts
    outcome = decide(request, poor, POLICY, "d", NOW, is_record_known=is_known).outcome
    assert outcome >= decide(request, harmless, POLICY, "d", NOW).outcome
    for part in parts | ({Unknown.VECTOR} if lost else set()):
        assert outcome >= POLICY.floors.minimum(part, request.type)
    is_vector_known = not lost and Unknown.VECTOR not in parts
    unknown = unknown_fields(poor, request, POLICY, is_vector_known=is_vector_known, is_record_known=is_known)
    fields = dict.fromkeys(POLICY.features) | account_fields(state, Clock(NOW, NOW), request)
    for rule in RULES:
        if rule.state == "live" and rule.when.fields.isdisjoint(unknown) and rule.when.holds(fields):
            assert outcome >= rule.outcome, rule.id
    if not is_known and request.type in MONEY_OUT:
        assert outcome >= Outcome.HOLD


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_left_open_by_any_field_of_its_example_counts_as_it_declares(rule: Rule) -> None:
    """The example without one of its values, as that value is unknown."""
    for name in EXAMPLES[rule.id]["fires"].keys() - {"request_type"}:
        fields = neutral_fields(ACCOUNT) | EXAMPLES[rule.id]["fires"] | {name: None}
        if rule.when.holds(fields) or name not in rule.when.fields:
            continue
        evaluation = evaluate(POLICY, ACCOUNT, fields, unknown=frozenset({name}))
        assert evaluation.outcome >= rule.counts_as_unknown
        told = " ".join(entry.fallback for entry in evaluation.degraded)
        is_told = rule.state == "live" and rule.if_unknown is not IfUnknown.IGNORE
        assert (rule.id in told) is is_told, name


def test_what_other_parts_of_a_condition_decide_is_not_left_open() -> None:
    fields = neutral_fields(ACCOUNT) | {"request_type": "login"}
    assert evaluate(POLICY, ACCOUNT, fields, unknown=frozenset({"hours_since_credential_change"})).degraded == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"if_unknown": "absent"}, "`if_unknown` .*says what an account rule counts as"),
        ({"if_unknown_reason": "absent"}, "give both"),
        ({"if_unknown": "perhaps"}, "must be one of"),
        ({"when": "account_on_watchlist", "thresholds": {}, "values": []}, "account_on_watchlist, a fact of the"),
        ({"subject": "episode", "pattern": "ring"}, "belongs to an account rule"),
    ],
)
def test_a_rule_must_say_what_an_unknown_value_means(tmp_path: Any, changes: dict[str, Any], said: str) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump([rule_with(**changes)]), encoding="utf-8")
    kinds = {"cancel_ratio_7d": float, "orders_n_7d": float}
    with pytest.raises(Invalid, match=said):
        Policy.load(rule_fields(["cancel_ratio_7d", "orders_n_7d"], {"ring": kinds}), tmp_path)
