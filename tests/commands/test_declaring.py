"""The commands by which people declare entries and orders, and a second person ends them."""

import os
import stat
from pathlib import Path

import pytest

from tests.commands.calling import Call, is_one_sentence

WHY = ("--source", "ofac", "--reason", "designated today")


@pytest.fixture
def home(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[str, ...]:
    """A home without activity, whose record is written, with two approvers and a reviewer."""
    home = ("--home", str(tmp_path / "home"), "--json")
    monkeypatch.setenv("MSCORE_NEW_PASSWORD", "correct horse battery")
    for name, role in (("ann", "approver"), ("ben", "approver"), ("ria", "reviewer")):
        call("users", "add", name, "--role", role, *home)
    call("record", "verify", "--repair", *home)
    monkeypatch.setenv("MSCORE_PASSWORD", "correct horse battery")
    return home


def test_an_entry_is_added_by_one_person_and_ended_by_two(call: Call, home: tuple[str, ...]) -> None:
    assert call("login", "ann", *home).document == {"name": "ann", "role": "approver"}
    added = call("lists", "add", "sanctions", "address", "0xAB58", *WHY, *home).document
    assert (added["state"], added["entries"][0]["value"]) == ("in_force", "0xab58")
    assert [entry["value"] for entry in call("lists", "show", "sanctions", *home).document["entries"]] == ["0xab58"]
    removed = call("lists", "remove", "sanctions", "address", "0xAB58", *WHY, *home).document
    change = removed["change_id"]
    assert removed["state"] == "awaiting_approval"
    assert is_one_sentence(call("changes", "approve", change, *home))
    assert [one["proposed_by"] for one in call("changes", "list", *home).document["changes"]] == ["ann"]
    call("login", "ben", *home)
    assert call("changes", "approve", change, "--reason", "seen", *home).document["state"] == "approved"
    assert call("changes", "list", *home).document == {"changes": []}
    (past,) = call("changes", "list", "--all", *home).document["changes"]
    assert (past["decided_by"], past["decision_reason"]) == ("ben", "seen")


def test_an_order_binds_until_a_second_person_lets_it_go(call: Call, home: tuple[str, ...]) -> None:
    call("login", "ann", *home)
    order = ("o-1", "--account", "A1", "--authority", "a court", "--scope", "freeze")
    assert call("orders", "add", *order, *home).document["state"] == "in_force"
    change = call("orders", "lift", "o-1", "--reason", "lifted", *home).document["change_id"]
    call("login", "ben", *home)
    assert call("changes", "refuse", change, *home).document["state"] == "refused"
    assert is_one_sentence(call("changes", "approve", change, *home))


@pytest.mark.parametrize("who", ["no user", "a reviewer", "a wrong password", "a disabled user"])
def test_who_acts_is_an_approver_who_is_signed_in(
    call: Call, home: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    if who == "a reviewer":
        call("login", "ria", *home)
    elif who == "a wrong password":
        monkeypatch.setenv("MSCORE_PASSWORD", "a wrong password")
        assert is_one_sentence(call("login", "ann", *home))
    elif who == "a disabled user":
        call("login", "ann", *home)
        call("users", "disable", "ann", *home)
    assert is_one_sentence(call("lists", "add", "mixer", "address", "x", *WHY, *home))
    assert call("lists", "show", "mixer", *home).document == {"entries": []}


@pytest.mark.skipif(os.name != "posix", reason="file modes are those of POSIX")
def test_the_token_of_a_login_is_for_its_owner_only(call: Call, home: tuple[str, ...]) -> None:
    call("login", "ann", *home)
    (token,) = Path(home[1]).glob("*.token")
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_nothing_is_in_force_at_first(call: Call, home: tuple[str, ...]) -> None:
    document = call("measures", "list", *home).document
    assert document["measures"] == []
    assert call("measures", "list", "--account", "A1", *home).document["measures"] == []
    assert "No measure" in call("measures", "list", *home[:2]).out
    assert "No change" in call("changes", "list", *home[:2]).out
    assert "is empty" in call("lists", "show", "mixer", *home[:2]).out
