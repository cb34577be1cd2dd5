"""Tests of roles, keys and passwords."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.kernel.errors import Invalid
from serving.people.model import Role, hash_of_secret, is_secret_of, issue_key, parts_of_key
from tests.serving.conftest import FAST_PASSWORDS


def test_the_roles_are_the_words_of_the_contract() -> None:
    words = "risk_system reviewer approver scientist auditor programme_manager account_holder admin"
    assert {role.value for role in Role} == set(words.split())


def test_an_unknown_role_is_refused_with_the_roles_there_are() -> None:
    with pytest.raises(Invalid, match="risk_system"):
        Role.of("king")


def test_a_key_opens_with_its_own_secret_only() -> None:
    key, other = issue_key(), issue_key()
    parts = parts_of_key(key.text)
    assert parts is not None
    assert parts[0] == key.key_id
    assert is_secret_of(parts[1], key.secret_hash)
    assert not is_secret_of(parts[1], other.secret_hash)
    assert not is_secret_of(parts[1], None)


def test_what_is_stored_of_a_key_does_not_hold_its_secret() -> None:
    key = issue_key()
    parts = parts_of_key(key.text)
    assert parts is not None
    assert parts[1] not in key.secret_hash


def test_a_secret_that_hashes_to_zeros_is_not_needed_to_refuse_an_unknown_key() -> None:
    assert not is_secret_of("", None)
    assert hash_of_secret("") != "0" * 64


@given(st.text())
def test_no_text_makes_the_parsing_of_keys_fail(text: str) -> None:
    parts = parts_of_key(text)
    assert parts is None or text == f"msk_{parts[0]}_{parts[1]}"


def test_a_password_is_verified_and_a_short_one_refused() -> None:
    stored = FAST_PASSWORDS.hash("long enough for us")
    assert stored.startswith("$argon2id$")
    assert FAST_PASSWORDS.verify("long enough for us", stored)
    assert not FAST_PASSWORDS.verify("another password", stored)
    assert not FAST_PASSWORDS.verify("long enough for us", None)
    with pytest.raises(Invalid, match="at least 12"):
        FAST_PASSWORDS.hash("short")
