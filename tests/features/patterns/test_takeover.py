"""Account takeover: four signs at a withdrawal, and the new phones and rotated passwords that resemble it."""

from typing import Any

import pandas as pd
import pytest

from features.patterns.shared.episode import Episode
from features.patterns.takeover import TAKEOVER
from tests.features.patterns.moneys import Rows, T, found, holding, micros, transfer

HOUR = pd.Timedelta(hours=1)


def session(name: str, hours: float, device: str = "usual", asn: str = "home", **more: Any) -> dict[str, Any]:
    """A login so many hours after T."""
    return {
        "session_id": name,
        "account_id": "A",
        "ts": T + hours * HOUR,
        "event": "login",
        "ip": "203.0.113.9",
        "asn": asn,
        "asn_type": "residential",
        "ip_country": "DE",
        "vpn": False,
        "device_id": device,
        "headless": False,
        "latitude": 50.0,
        "longitude": 8.0,
        **more,
    }


def event(name: str, hours: float, kind: str, address: str | None = None) -> dict[str, Any]:
    """A security event."""
    return {"event_id": name, "account_id": "A", "ts": T + hours * HOUR, "event": kind, "address": address}


def balance(usd: float, hours: float = -72.0) -> dict[str, Any]:
    """A snapshot of what is held."""
    return {"account_id": "A", "ts": T + hours * HOUR, "asset": "USDT", "amount": usd, "amount_usd": usd}


LIFE = [session("s0", -480), session("s1", -200), session("s2", -48)]
BREAK_IN = session("thief", 0, "strange", "elsewhere")
CHANGED = event("changed", 0.1, "password_reset")
ADDED = event("added", 0.4, "withdrawal_address_added", "0xout")
OUT = transfer("out", 0.5, 600.0, "withdrawal", asset="BTC")


def takeovers(
    sessions: Rows | None = None,
    events: Rows | None = None,
    transfers: Rows | None = None,
    held: Rows | None = None,
) -> list[Episode]:
    """Every version, by default of a takeover that shows all four signs."""
    return found(
        TAKEOVER,
        {
            "sessions": [*LIFE, BREAK_IN] if sessions is None else sessions,
            "security_events": [CHANGED, ADDED] if events is None else events,
            "transfers": [OUT] if transfers is None else transfers,
            "balances": [balance(1_000.0)] if held is None else held,
        },
    )


@pytest.mark.fires("D23")
def test_all_four_signs_are_shown_with_the_very_rows() -> None:
    (one,) = takeovers(events=[event("fumbled", -0.1, "failed_login"), CHANGED, ADDED])
    assert one.measures["signs"] == 4
    assert one.measures["balance_share"] == pytest.approx(0.6)
    assert one.measures["hours_from_change"] == pytest.approx(0.4)
    assert one.measures["failed_logins"] == 1
    assert (one.symbol, one.started_at, one.ended_at, one.known_at) == (
        "BTC",
        micros(T),
        micros(OUT["ts"]),
        micros(OUT["ts"]),
    )
    assert [(table, row) for table, row, _, _ in one.evidence] == [
        ("security_events", "fumbled"),
        ("sessions", "thief"),
        ("security_events", "changed"),
        ("security_events", "added"),
        ("transfers", "out"),
    ]


@pytest.mark.parametrize(("usd", "signs"), [(500.0, 4), (499.99, 3)])
def test_half_of_the_balance_is_a_sign(usd: float, signs: int) -> None:
    (one,) = takeovers(transfers=[transfer("out", 0.5, usd, "withdrawal")])
    assert one.measures["signs"] == signs


@pytest.mark.parametrize(
    ("after", "signs"), [(48 * HOUR - pd.Timedelta("1us"), [4]), (48 * HOUR, [3]), (49 * HOUR, [])]
)
def test_the_signs_are_within_two_days_before_the_withdrawal(after: pd.Timedelta, signs: list[int]) -> None:
    late = [{**OUT, "ts": T + after}]
    found_ = takeovers(events=[CHANGED, {**ADDED, "ts": T + 40 * HOUR}], transfers=late)
    assert [one.measures["signs"] for one in found_] == signs


def test_a_thief_who_waits_out_the_hold_of_a_day_still_shows_all_signs() -> None:
    (one,) = takeovers(events=[CHANGED, {**ADDED, "ts": T + 1 * HOUR}], transfers=[{**OUT, "ts": T + 25.5 * HOUR}])
    assert one.measures["signs"] == 4
    assert one.measures["hours_from_change"] == pytest.approx(25.4)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        pytest.param({"events": [ADDED]}, "credential_change", id="no changed credentials"),
        pytest.param({"sessions": [*LIFE, session("s3", 0)]}, "new_device", id="the usual device and network"),
        pytest.param({"events": [CHANGED]}, "new_address", id="an address of the book"),
        pytest.param({"held": []}, "balance_share", id="no known balance"),
    ],
)
def test_three_of_the_four_are_found_too_and_say_which_is_missing(changes: dict[str, Rows], missing: str) -> None:
    (one,) = takeovers(**changes)
    assert one.measures["signs"] == 3
    assert not one.measures[missing]


@pytest.mark.spares("D23")
def test_somebody_with_a_new_phone_who_takes_a_little_to_a_known_wallet_is_none() -> None:
    assert takeovers(events=[CHANGED], transfers=[transfer("out", 0.5, 100.0, "withdrawal")]) == []


@pytest.mark.spares("D23")
def test_a_rotated_password_without_a_withdrawal_is_none() -> None:
    assert takeovers(sessions=LIFE, events=[CHANGED], transfers=[]) == []


def test_a_wallet_the_chain_has_just_seen_is_as_good_as_a_new_address() -> None:
    young = {**OUT, "address_first_seen_at": OUT["ts"] - 71 * HOUR}
    (one,) = takeovers(events=[CHANGED], transfers=[young])
    assert (one.measures["signs"], one.measures["new_address"], one.measures["young_address"]) == (4, False, True)


def test_another_address_added_is_not_the_one_withdrawn_to() -> None:
    (one,) = takeovers(events=[CHANGED, {**ADDED, "address": "0xother"}])
    assert one.measures["new_address"] is False


def test_the_first_day_of_an_account_is_new_in_everything_and_says_nothing() -> None:
    assert takeovers(sessions=[session("s0", -20), BREAK_IN], events=[CHANGED], held=[balance(1_000.0)]) == []


def test_the_balance_moves_with_what_came_and_went_since_the_snapshot() -> None:
    deposit = transfer("salary", -24, 1_000.0)
    (one,) = takeovers(transfers=[deposit, OUT])
    assert one.measures["balance_usd"] == 2_000.0
    assert one.measures["balance_share"] == pytest.approx(0.3)


def test_withdrawals_in_parts_are_one_takeover_that_grows() -> None:
    parts = [transfer(f"o{n}", 0.5 + n, 200.0, "withdrawal", address="0xout") for n in range(3)]
    versions = takeovers(transfers=parts)
    assert [version.measures["withdrawn_usd"] for version in versions] == [200.0, 400.0, 600.0]
    (last,) = holding(versions)
    assert last.measures["signs"] == 4


def test_a_journey_nobody_can_have_made_is_measured() -> None:
    far = session("thief", 0, "strange", "elsewhere", latitude=35.0, longitude=139.0)
    near_in_time = session("s3", -1)
    (one,) = takeovers(sessions=[*LIFE, near_in_time, far])
    assert one.measures["impossible_travel"] is True
    (flown,) = takeovers(sessions=[*LIFE, far])
    assert flown.measures["impossible_travel"] is False


def test_selling_out_before_leaving_is_measured() -> None:
    trade = {
        "trade_id": "f",
        "ts": T + 0.2 * HOUR,
        "symbol": "BTCUSDT",
        "product": "spot",
        "price": 100.0,
        "quantity": 5.0,
        "notional_usd": 500.0,
        "maker_account_id": "M",
        "taker_account_id": "A",
        "taker_side": "sell",
        "maker_effect": "none",
        "taker_effect": "none",
        "maker_fee_usd": 0.0,
        "taker_fee_usd": 0.0,
        "liquidation": False,
    }
    tables = {"sessions": [*LIFE, BREAK_IN], "security_events": [CHANGED, ADDED], "transfers": [OUT]}
    (one,) = found(TAKEOVER, {**tables, "balances": [balance(1_000.0)], "trades": [trade]})
    assert one.measures["sold_share"] == pytest.approx(0.5)


def test_a_session_that_arrives_after_the_withdrawal_was_no_sign_of_it() -> None:
    (one,) = takeovers(sessions=[*LIFE, {**BREAK_IN, "ingested_at": OUT["ts"] + HOUR}])
    assert one.measures["signs"] == 3
