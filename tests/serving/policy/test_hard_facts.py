"""Hard facts at the desk: legal orders beat every release, holds restart, and look-alikes of the cards are spared."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.activity.snapshot import Activity
from features.patterns.takeover import TAKEOVER
from serving.decisions.model import decide
from serving.decisions.request import DecisionRequest
from serving.policy.evaluation import evaluate
from serving.policy.terms import Value
from serving.record.model import AccountFacts, AccountState, LegalOrder, Scores
from tests.features.legs import engine_with_legs
from tests.serving.policy.fields import POLICY, idle_vector, neutral_fields

NOW = datetime(2025, 5, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def outcome(facts: AccountFacts, at: datetime = NOW, vector: dict[str, float] | None = None, **request: Any) -> str:
    """What a withdrawal gets."""
    scores = Scores(0.4, 0.5, {"wash_trading": 0.02}, 640.0)
    state = AccountState("a", as_of=at - HOUR, vector=idle_vector() | (vector or {}), scores=scores, facts=facts)
    named: dict[str, Any] = {"address": "addr-9", "amount_usd": Decimal(10)} | request
    return decide(DecisionRequest("a", "withdrawal", at, **named), state, POLICY, "d", at).outcome.word


def fired(subject: str, changes: dict[str, Value]) -> list[tuple[str, str]]:
    """The rules that fire, with their severity."""
    evaluation = evaluate(POLICY, subject, neutral_fields(subject) | changes)
    assert evaluation.degraded == ()
    return [(hit.rule_id, hit.severity.word) for hit in evaluation.hits]


@pytest.mark.parametrize(
    ("second_change_ago", "after_first", "expected"),
    [
        pytest.param(None, timedelta(hours=24) - SECOND, "hold", id="23:59:59 after the only change"),
        pytest.param(None, timedelta(hours=24), "allow", id="24:00:00 after the only change"),
        pytest.param(23 * HOUR, timedelta(hours=24), "hold", id="the second change restarts the hold"),
        pytest.param(23 * HOUR, timedelta(hours=47) - SECOND, "hold", id="23:59:59 after the second change"),
        pytest.param(23 * HOUR, timedelta(hours=47), "allow", id="24:00:00 after the second change"),
    ],
)
def test_the_hold_lasts_a_day_from_the_latest_change(
    second_change_ago: timedelta | None, after_first: timedelta, expected: str
) -> None:
    changes = [NOW] + ([NOW + second_change_ago] if second_change_ago else [])
    known = [at for at in changes if at <= NOW + after_first]
    assert outcome(AccountFacts(credential_changed_at=max(known)), NOW + after_first) == expected


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(sorted(name for rule in POLICY.rules for name in rule.when.fields if name in idle_vector())),
        st.floats(0, 1e6),
    ),
    st.sampled_from(["freeze", "withdrawals"]),
)
def test_whatever_else_is_known_a_legal_order_lets_no_withdrawal_through(vector: dict[str, float], scope: str) -> None:
    order = LegalOrder("court-1", scope, NOW - HOUR)
    assert outcome(AccountFacts(legal_orders=(order,)), vector=vector) in ("hold", "block")


@pytest.mark.parametrize(
    ("measures", "expected"),
    [
        pytest.param({"signs": 4, "credential_change": True}, [("takeover-critical", "critical")], id="all four"),
        pytest.param(
            {"signs": 3, "credential_change": True, "failed_logins": 5},
            [("takeover-high", "high")],
            id="three and a burst of failed logins",
        ),
        pytest.param(
            {"signs": 3, "impossible_travel": True}, [("takeover-high", "high")], id="three and an impossible journey"
        ),
        pytest.param({"signs": 3, "credential_change": True}, [("takeover-medium", "medium")], id="three of four"),
        pytest.param({"signs": 3, "credential_change": False}, [], id="a new phone, a new wallet, no new password"),
    ],
)
def test_a_takeover_gets_its_level_by_its_signs(measures: dict[str, Value], expected: list[tuple[str, str]]) -> None:
    known: dict[str, Value] = {"failed_logins": 0, "impossible_travel": False}
    assert fired("takeover", {**known, **measures}) == expected


NEW_PHONE = {"new_devices_2d": 1.0, "new_networks_2d": 1.0, "assets_usd": 1_000.0}


@pytest.mark.parametrize(
    ("vector", "amount", "expected"),
    [
        pytest.param(NEW_PHONE | {"new_addresses_2d": 1.0}, 500, "hold", id="most of it to a new address"),
        pytest.param(NEW_PHONE | {"new_addresses_2d": 1.0}, 499, "allow", id="less than half of it"),
        pytest.param(NEW_PHONE, 900, "allow", id="a new phone, but a known address"),
        pytest.param({"new_addresses_2d": 1.0, "assets_usd": 1_000.0}, 900, "allow", id="nothing but a new address"),
    ],
)
def test_a_withdrawal_is_held_while_it_is_asked_for(vector: dict[str, float], amount: int, expected: str) -> None:
    changed = AccountFacts(credential_changed_at=NOW - 30 * HOUR if "new_devices_2d" in vector else None)
    assert outcome(changed, vector=vector, amount_usd=Decimal(amount)) == expected


def test_a_change_of_credentials_newer_than_the_vector_counts_at_once() -> None:
    vector = {"new_devices_2d": 1.0, "assets_usd": 1_000.0}
    facts = AccountFacts(credential_changed_at=NOW - 25 * HOUR, addresses_added={"0x": NOW - 25 * HOUR})
    assert outcome(facts, vector=vector, amount_usd=Decimal(600), address="0x") == "hold"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"structuring_n_7d": 7.0, "structuring_bursts_7d": 0.0}, id="a standing order of one amount"),
        pytest.param({"structuring_bursts_7d": 3.0, "declared_business": 1.0}, id="a merchant's takings"),
        pytest.param({"pass_through_7d": 1.0, "in_usd_7d": 1e6, "pass_through_days_30d": 0.0}, id="an arbitrage desk"),
        pytest.param(
            {"pass_through_days_30d": 20.0, "pass_through_usd_max_30d": 1e6, "declared_business": 1.0}, id="payouts"
        ),
        pytest.param({"fan_ins_7d": 4.0, "fan_outs_7d": 4.0, "declared_business": 1.0}, id="a payroll"),
        pytest.param(
            {"edd_sessions_7d": 9.0, "edd_orders_7d": 0.0, "orders_n_7d": 40.0}, id="a traveller who looks in"
        ),
        pytest.param({"abroad_share_30d": 1.0, "impossible_travel_7d": 2.0}, id="somebody abroad"),
        pytest.param({"banned_identifier_kinds_n": 1.0}, id="a second-hand phone"),
        pytest.param({"listed_address_usd_30d": 0.0, "taint_indirect_share_30d": 0.01}, id="somebody dusted"),
        pytest.param({"new_account_burst": 1.0, "dormancy_bursts_30d": 1.0}, id="a burst alone"),
        pytest.param({"kyc_pending_hours": 71.0, "kyc_level": 1.0}, id="our own backlog"),
    ],
)
@pytest.mark.spares("D01", "D08", "D10", "D11", "D12", "D13")
def test_the_look_alikes_of_the_cards_are_spared(changes: dict[str, Value]) -> None:
    assert fired("account", changes) == []


def test_a_takeover_shown_by_its_rows_is_critical_from_end_to_end() -> None:
    at = pd.Timestamp(NOW)
    hours = pd.Timedelta(hours=1)
    place = {"event": "login", "ip": "203.0.113.9", "asn_type": "residential", "ip_country": "DE", "vpn": False}
    frames = {
        "sessions": pd.DataFrame(
            {"session_id": ["s1", "s2"], "account_id": "a", "ts": [at - 99 * hours, at], "device_id": ["own", "new"]}
            | {"headless": False}
            | place
        ),
        "security_events": pd.DataFrame(
            {"event_id": ["c", "n"], "account_id": "a", "ts": [at, at], "address": [None, "0x"]}
            | {"event": ["password_reset", "withdrawal_address_added"]}
        ),
        "balances": pd.DataFrame(
            {"account_id": ["a"], "ts": [at - 9 * hours], "asset": "USDT", "amount": 100.0, "amount_usd": 100.0}
        ),
        "transfers": pd.DataFrame(
            {"transfer_id": ["t"], "account_id": "a", "ts": [at + hours], "direction": "withdrawal", "asset": "USDT"}
            | {"amount": 90.0, "amount_usd": 90.0, "counterparty_type": "self_hosted", "address": "0x"}
        ),
    }
    (found,) = TAKEOVER.detect(engine_with_legs(Activity.from_frames(frames)), TAKEOVER.settings)
    assert fired("takeover", dict(found.measures)) == [("takeover-critical", "critical")]
