"""Tests of users and API keys in the database."""

import pytest

from features.errors import Conflict, Invalid, NotFound
from serving.auth import Role, is_secret_of, parts_of_key
from serving.storage import Database
from tests.serving.cases import NOW


def test_a_key_is_found_by_its_id_and_only_its_hash_is_kept(database: Database) -> None:
    with database.transaction() as transaction:
        key = transaction.api_keys.create(Role.AUDITOR, "quarterly audit", NOW)
        parts = parts_of_key(key)
        assert parts is not None
        stored = transaction.api_keys.find(parts[0])
        assert stored is not None
        assert (stored.role, stored.name, stored.revoked_at) == (Role.AUDITOR, "quarterly audit", None)
        assert is_secret_of(parts[1], stored.secret_hash)
        assert transaction.api_keys.find("nothing") is None


def test_a_key_is_revoked_once(database: Database) -> None:
    with database.transaction() as transaction:
        parts = parts_of_key(transaction.api_keys.create(Role.ADMIN, "", NOW))
        assert parts is not None
        for moment in (NOW, NOW.replace(year=2030)):
            transaction.api_keys.revoke(parts[0], moment)
        stored = transaction.api_keys.find(parts[0])
        assert stored is not None
        assert stored.revoked_at == NOW
        with pytest.raises(NotFound):
            transaction.api_keys.revoke("nothing", NOW)


def test_a_user_name_is_given_once_and_never_empty(database: Database) -> None:
    with database.transaction() as transaction:
        transaction.users.add("ria", "hash", Role.REVIEWER, NOW)
        user = transaction.users.find("ria")
        assert user is not None
        assert (user.name, user.role) == ("ria", Role.REVIEWER)
        assert transaction.users.find("Ria") is None
        with pytest.raises(Conflict, match="another name"):
            transaction.users.add("ria", "hash", Role.ADMIN, NOW)
        with pytest.raises(Invalid):
            transaction.users.add("  ", "hash", Role.ADMIN, NOW)
