"""A decision is always given, binds what is in force, counts holds to the second, and says what it did without."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from features.kernel.errors import Invalid
from serving.decisions.model import Decision, decide, money_as_text
from serving.decisions.request import ACTION_TYPES, MONEY_OUT, TO_BE_NAMED, DecisionRequest
from serving.measures.model import Measure, MeasureState
from serving.policy.terms import Outcome
from serving.record.model import AccountFacts, AccountState, LegalOrder, Reason, Scores, WatchlistEntry
from tests.serving.policy.fields import POLICY, idle_vector

NOW = datetime(2025, 5, 31, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)
HARMLESS: Mapping[str, Any] = {"address": "addr-9", "amount_usd": Decimal(10), "product": "spot"}
SCORES = Scores(0.4, 0.5, {"wash_trading": 0.02}, 640.0)


def a_state(vector: dict[str, float] | None = None, **changes: Any) -> AccountState:
    known = AccountState(
        "acc-1",
        as_of=NOW - timedelta(minutes=1),
        vector=idle_vector() | (vector or {}),
        scores=SCORES,
        catalogue="c-1",
        models={"anomaly": "3", "violations": "2", "m-score": "1"},
    )
    return replace(known, **changes)


def a_request(action: str = "withdrawal", at: datetime = NOW, **changes: Any) -> DecisionRequest:
    """A request that names all it has to."""
    named = {name: HARMLESS[name] for name in TO_BE_NAMED.get(action, ())}
    return DecisionRequest("acc-1", action, at, **(named | changes))


def decided(request: DecisionRequest, state: AccountState, at: datetime | None = None) -> Decision:
    return decide(request, state, POLICY, "dec-1", at or request.occurred_at)


def rules_of(decision: Decision) -> list[str]:
    return [hit.rule_id for hit in decision.rules]


def a_measure(
    measure: str, start: datetime = NOW - DAY, end: datetime | None = None, scope: str = "account"
) -> Measure:
    return Measure("m-1", measure, "acc-1", "7.3", scope, start, "rev-a", MeasureState.IN_FORCE, end)


def test_a_quiet_account_is_allowed_with_scores_and_versions() -> None:
    answer = decided(a_request(), a_state()).to_json()
    assert json.loads(json.dumps(answer, allow_nan=False)) == {
        "decision_id": "dec-1",
        "account_id": "acc-1",
        "outcome": "allow",
        "severity": "info",
        "reasons": [],
        "rules": [],
        "scores": {
            "anomaly_score": 0.4,
            "anomaly_p_value": 0.5,
            "violation_probability": {"wash_trading": 0.02},
            "m_score": 640.0,
        },
        "measures": [],
        "as_of": "2025-05-31T11:59:00.000000Z",
        "decided_at": "2025-05-31T12:00:00.000000Z",
        "degraded": [],
        "versions": {
            "catalogue": "c-1",
            "policy": POLICY.version,
            "models": {"anomaly": "3", "violations": "2", "m-score": "1"},
        },
    }


def test_a_rule_is_written_as_the_contract_says_with_money_as_text() -> None:
    state = a_state(
        {"linked_counterparty_share_7d": 0.4, "linked_counterparty_usd_7d": 61234.5}, reviews=("r-1", "r-2")
    )
    answer = decided(a_request("order"), state).to_json()
    assert (answer["outcome"], answer["severity"], answer["review_id"]) == ("review", "critical", "r-2")
    (rule,) = answer["rules"]
    assert {"rule_id", "version", "clause", "title", "typology", "severity", "outcome"} <= rule.keys()
    assert rule["values"] == {"linked_counterparty_share_7d": 0.4, "linked_counterparty_usd_7d": "61234.50"}
    assert rule["thresholds"] == {"linked_counterparty_share_7d": 0.3, "linked_counterparty_usd_7d": "50000.00"}
    (reason,) = answer["reasons"]
    assert (reason["code"], reason["clause"]) == ("wash-linked-critical", "5.3")


@pytest.mark.parametrize("action", ["withdrawal", "transfer"])
@pytest.mark.parametrize(
    ("age", "outcome"),
    [(timedelta(0), "hold"), (DAY - SECOND, "hold"), (DAY, "allow"), (DAY + SECOND, "allow"), (-SECOND, "hold")],
)
def test_both_cooling_off_periods_last_exactly_a_day(action: str, age: timedelta, outcome: str) -> None:
    by_credential = a_state(facts=AccountFacts(credential_changed_at=NOW - age))
    by_address = a_state(facts=AccountFacts(addresses_added={"addr-1": NOW - age}))
    assert decided(a_request(action), by_credential).outcome.word == outcome
    assert decided(a_request(action, address="addr-1"), by_address).outcome.word == outcome
    assert decided(a_request(action, address="addr-2"), by_address).outcome.word == "allow"
    assert decided(a_request("order"), by_credential).outcome.word == "allow"


@pytest.mark.parametrize(
    "forged", [-400 * DAY, -2 * DAY, timedelta(0), timedelta(minutes=6), 30 * timedelta(hours=1), 2900 * 365 * DAY]
)
@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (a_state(measures=(a_measure("withdrawal_hold", NOW - SECOND, NOW + DAY),)), "hold"),
        (a_state(facts=AccountFacts(credential_changed_at=NOW - SECOND)), "hold"),
        (a_state(facts=AccountFacts(addresses_added={"addr-1": NOW - DAY + SECOND})), "hold"),
        (a_state(facts=AccountFacts(legal_orders=(LegalOrder("o", "freeze", NOW - DAY, "", NOW + SECOND),))), "block"),
        (
            a_state(facts=AccountFacts(watchlist=(WatchlistEntry("sanctions", "address", "addr-1", NOW),))),
            "block",
        ),
    ],
    ids=["measure", "credential", "address", "order", "list"],
)
def test_no_date_that_a_request_claims_ends_what_is_in_force(
    state: AccountState, outcome: str, forged: timedelta
) -> None:
    decision = decided(a_request(at=NOW + forged, address="addr-1"), state, at=NOW)
    assert decision.outcome.word == outcome
    is_odd = forged > timedelta(minutes=5) or forged < -DAY
    assert ("request_clock" in [entry.component for entry in decision.degraded]) is is_odd


@pytest.mark.parametrize(
    ("action", "hours", "outcome"),
    [
        ("withdrawal", 26, "allow"),
        ("withdrawal", 27, "step_up"),
        ("transfer", 27, "step_up"),
        ("order", 27, "monitor"),
        ("login", 27, "allow"),
        ("login", 169, "monitor"),
    ],
)
def test_a_vector_of_yesterday_does_not_let_money_out(action: str, hours: int, outcome: str) -> None:
    decision = decided(a_request(action), a_state(as_of=NOW - timedelta(hours=hours)))
    assert decision.outcome.word == outcome
    assert ("vector" in [entry.component for entry in decision.degraded]) is (outcome != "allow")


def test_a_vector_of_a_moment_that_has_not_come_is_not_known() -> None:
    decision = decided(a_request(), a_state(as_of=NOW + SECOND))
    assert (decision.outcome.word, [entry.component for entry in decision.degraded]) == ("step_up", ["vector"])


def test_a_vector_of_another_catalogue_is_not_known() -> None:
    policy = replace(POLICY, catalogue="c-2")
    assert decide(a_request(), a_state(), policy, "dec-1", NOW).outcome.word == "step_up"
    assert decide(a_request(), a_state(catalogue="c-2"), policy, "dec-1", NOW).outcome.word == "allow"


@pytest.mark.parametrize("action", ACTION_TYPES)
def test_a_record_that_cannot_be_read_lets_no_money_out(action: str) -> None:
    known = decide(a_request(action), a_state(), POLICY, "dec-1", NOW)
    unknown = decide(a_request(action), a_state(), POLICY, "dec-1", NOW, is_record_known=False)
    assert known.outcome.word == "allow"
    assert unknown.outcome == (Outcome.HOLD if action in MONEY_OUT else unknown.outcome)
    assert unknown.outcome > known.outcome


def test_cooling_off_counts_to_the_request_and_not_to_a_later_decision() -> None:
    state = a_state(facts=AccountFacts(credential_changed_at=NOW - DAY + SECOND))
    assert decided(a_request(), state, at=NOW + DAY).outcome.word == "hold"


@pytest.mark.parametrize(("left", "outcome"), [(SECOND, "hold"), (timedelta(0), "allow")])
def test_a_withdrawal_hold_binds_until_its_last_second(left: timedelta, outcome: str) -> None:
    state = a_state(measures=(a_measure("withdrawal_hold", NOW + left - DAY, NOW + left),))
    decision = decided(a_request(), state)
    assert decision.outcome.word == outcome
    assert len(decision.measures) == (outcome == "hold")


def test_a_measure_imposed_between_request_and_decision_binds() -> None:
    state = a_state(measures=(a_measure("withdrawal_hold", NOW + DAY, NOW + 2 * DAY),))
    assert decided(a_request(), state).outcome.word == "allow"
    assert decided(a_request(), state, at=NOW + DAY).outcome.word == "hold"


def test_a_lifted_measure_binds_nobody() -> None:
    lifted = replace(a_measure("withdrawal_hold"), state=MeasureState.LIFTED)
    decision = decided(a_request(), a_state(measures=(lifted,)))
    assert (decision.outcome.word, decision.measures) == ("allow", ())


@pytest.mark.parametrize(
    ("measure", "request_", "outcome"),
    [
        ("restriction", a_request("withdrawal"), "block"),
        ("asset_freeze", a_request("transfer"), "block"),
        ("restriction", a_request("order", product="perp", effect="close"), "allow"),
        ("restriction", a_request("login"), "allow"),
        ("close_only", a_request("order", product="perp", effect="open", symbol="FLOCKUSDT"), "block"),
        ("close_only", a_request("order", product="perp", effect="close", symbol="FLOCKUSDT"), "allow"),
        ("close_only", a_request("order", product="perp", effect="open", symbol="BTCUSDT"), "allow"),
        ("trading_suspension", a_request("order", product="spot", symbol="FLOCKUSDT"), "block"),
        ("close_only", a_request("order", product="perp", effect="open"), "block"),
        ("deposit_hold", a_request("deposit"), "hold"),
        ("observation", a_request("login"), "monitor"),
        ("vvip_suspension", a_request("order"), "allow"),
    ],
)
def test_each_measure_stops_what_it_names(measure: str, request_: DecisionRequest, outcome: str) -> None:
    state = a_state(measures=(a_measure(measure, scope="FLOCKUSDT"),))
    assert decided(request_, state).outcome.word == outcome


@pytest.mark.parametrize(
    ("scope", "product", "outcome"),
    [("perp", "perp", "block"), ("perp", "spot", "allow"), ("account", "spot", "block"), ("", "spot", "block")],
)
def test_a_trading_measure_binds_in_its_scope(scope: str, product: str, outcome: str) -> None:
    state = a_state(measures=(a_measure("close_only", scope=scope),))
    assert decided(a_request("order", product=product, symbol="BTCUSDT"), state).outcome.word == outcome


@pytest.mark.parametrize(
    ("scope", "action", "outcome"),
    [
        ("freeze", "withdrawal", "block"),
        ("freeze", "order", "block"),
        ("freeze", "account", "block"),
        ("freeze", "login", "allow"),
        ("withdrawals", "withdrawal", "hold"),
        ("withdrawals", "order", "allow"),
        ("trading", "order", "block"),
        ("trading", "withdrawal", "allow"),
    ],
)
@pytest.mark.fires("D14")
def test_a_legal_order_stops_what_its_scope_says(scope: str, action: str, outcome: str) -> None:
    order = LegalOrder("o-1", scope, NOW - DAY)
    decision = decided(a_request(action), a_state(facts=AccountFacts(legal_orders=(order,))))
    assert decision.outcome.word == outcome
    assert (decision.severity.word == "legal") == (outcome != "allow")


@pytest.mark.fires("D14")
def test_a_legal_order_beats_every_release() -> None:
    freeze = LegalOrder("o-1", "freeze", NOW - 2 * DAY)
    lapsed = a_measure("withdrawal_hold", NOW - 2 * DAY, NOW - DAY)
    facts = AccountFacts(kyc_level=3, credential_changed_at=NOW - 9 * DAY, legal_orders=(freeze,))
    released = a_state({"market_maker": 1.0}, facts=facts, measures=(lapsed,), scores=Scores(0.0, 1.0, {}, 1000.0))
    decision = decided(a_request(), released)
    assert (decision.outcome.word, decision.severity.word, rules_of(decision)) == ("block", "legal", ["legal-freeze"])


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        (LegalOrder("o", "freeze", NOW - DAY, expires_at=NOW + SECOND), "block"),
        (LegalOrder("o", "freeze", NOW - DAY, expires_at=NOW), "allow"),
        (LegalOrder("o", "freeze", NOW - DAY, lifted_at=NOW - SECOND), "allow"),
        (LegalOrder("o", "freeze", NOW + SECOND), "allow"),
    ],
)
@pytest.mark.spares("D14")
def test_a_legal_order_binds_from_its_start_to_its_end(order: LegalOrder, outcome: str) -> None:
    assert decided(a_request(), a_state(facts=AccountFacts(legal_orders=(order,)))).outcome.word == outcome


def test_orders_on_withdrawals_and_on_trading_stop_both() -> None:
    orders = (LegalOrder("o-1", "withdrawals", NOW - DAY), LegalOrder("o-2", "trading", NOW - DAY))
    state = a_state(facts=AccountFacts(legal_orders=orders))
    assert [decided(a_request(action), state).outcome.word for action in ("withdrawal", "order")] == ["block", "block"]


@pytest.mark.parametrize(
    ("entry", "request_", "rules"),
    [
        (("sanctions", "address", "bad"), a_request(address="bad"), ["listed-address"]),
        (("sanctions", "address", "bad"), a_request(address="good"), []),
        (("mixer", "address", "mix"), a_request(address="mix"), ["doubtful-address"]),
        (("sanctions", "owner", "own-1"), a_request(), ["listed-account"]),
        (("banned_identity", "document", "doc-1"), a_request("order"), ["banned-identity"]),
        (("banned_identity", "device", "dev-1"), a_request("order"), ["banned-identity-resemblance"]),
        (("prohibited_country", "country", "XX"), a_request("order"), ["prohibited-country-request"]),
        (("edd_country", "country", "XX"), a_request("order"), ["edd-country-request"]),
        (("edd_country", "country", "YY"), a_request("order"), []),
    ],
)
def test_a_list_counts_while_it_is_in_effect(
    entry: tuple[str, str, str], request_: DecisionRequest, rules: list[str]
) -> None:
    for start, end, expected in [(NOW, None, rules), (NOW + DAY, None, []), (NOW - DAY, NOW, [])]:
        facts = AccountFacts(
            watchlist=(WatchlistEntry(*entry, effective_from=start, effective_to=end),), ip_country="XX"
        )
        assert rules_of(decided(request_, a_state(facts=facts))) == expected


@pytest.mark.parametrize(("level", "outcome"), [(1, "block"), (2, "allow"), (None, "block")])
def test_the_approved_level_binds_before_the_vector_does(level: int | None, outcome: str) -> None:
    state = a_state({"kyc_level": 3.0 if level is not None else math.nan}, facts=AccountFacts(kyc_level=level))
    assert decided(a_request("order", product="perp", effect="open"), state).outcome.word == outcome


def test_a_score_adds_its_own_reasons_and_no_more_than_a_review() -> None:
    scores = replace(SCORES, violation_probability={"wash_trading": 0.93})
    state = a_state(scores=scores, score_reasons=(Reason("pair_lift_max", "Met one counterparty often."),))
    decision = decided(a_request(), state)
    assert decision.outcome.word == "review"
    assert [reason.code for reason in decision.reasons] == ["model-wash_trading", "pair_lift_max"]


@pytest.mark.parametrize(
    ("action", "name"), [(action, name) for action, names in TO_BE_NAMED.items() for name in names]
)
def test_a_request_that_leaves_out_what_rules_read_is_not_taken_for_harmless(action: str, name: str) -> None:
    nothing: dict[str, Any] = {name: None}
    decision = decided(a_request(action, **nothing), a_state())
    assert decision.outcome.word == ("step_up" if action in MONEY_OUT else "monitor")
    assert [(entry.component, name in entry.reason) for entry in decision.degraded] == [("request", True)]


@pytest.mark.parametrize("action", ACTION_TYPES)
def test_an_account_never_scored_still_gets_a_decision_that_says_so(action: str) -> None:
    decision = decided(a_request(action), AccountState("acc-1"))
    assert decision.outcome.word == ("step_up" if action in ("withdrawal", "transfer") else "monitor")
    assert [entry.component for entry in decision.degraded] == ["vector", "models"]
    assert decision.to_json()["as_of"] is None


def test_lists_and_orders_bind_an_account_never_scored() -> None:
    facts = AccountFacts(watchlist=(WatchlistEntry("sanctions", "address", "bad", NOW - DAY),))
    assert decided(a_request(address="bad"), AccountState("acc-1", facts=facts)).outcome.word == "block"


def test_without_models_the_rules_decide_and_the_answer_says_so() -> None:
    decision = decided(a_request(), a_state({"structuring_bursts_7d": 1.0}, scores=Scores(m_score=500.0)))
    assert (decision.outcome.word, rules_of(decision)) == ("review", ["structuring"])
    (entry,) = decision.degraded
    assert entry.reason == "No score of anomaly, violations."


def test_a_vector_that_lacks_a_feature_is_not_known_and_the_other_rules_judge() -> None:
    vector = idle_vector() | {"structuring_bursts_7d": 1.0}
    del vector["taint_indirect_share_30d"]
    decision = decided(a_request(), replace(a_state(), vector=vector))
    assert rules_of(decision) == ["structuring"]
    assert [entry.component for entry in decision.degraded] == ["vector"]
    assert "taint_indirect_share_30d" in decision.degraded[0].reason


def test_a_rule_in_shadow_is_recorded_and_not_answered() -> None:
    decision = decided(
        a_request(), a_state({"ui_orders_n_7d": 500.0, "orders_per_second_max_1d": 9.0, "ui_less_share_7d": 0.6})
    )
    assert [hit.rule_id for hit in decision.shadow_rules] == ["ui-less-rate"]
    assert "ui-less-rate" not in json.dumps(decision.to_json())


def test_a_request_survives_its_json_form() -> None:
    request = a_request("order", amount_usd=Decimal("12.50"), price=Decimal("0.215"), symbol="FLOCKUSDT", effect="open")
    record = json.loads(json.dumps(request.to_json()))
    assert record["action"]["amount_usd"] == "12.50"
    assert DecisionRequest.from_json(record) == request


@pytest.mark.parametrize("changes", [{"type": "gift"}, {"amount_usd": Decimal("NaN")}, {"quantity": Decimal("-1")}])
def test_a_request_no_rule_could_judge_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        replace(a_request(), **changes)


@pytest.mark.parametrize(
    ("value", "text"),
    [(270_000, "270000.00"), (0.5, "0.50"), (0.215, "0.215"), (1e30, "1" + "0" * 30 + ".00"), (1e-9, "0.000000001")],
)
def test_money_is_written_as_a_decimal_without_loss(value: float, text: str) -> None:
    assert money_as_text({"limit_usd": value, "n": 3}) == {"limit_usd": text, "n": 3}
    assert money_as_text({"limit_usd": None}) == {"limit_usd": None}
