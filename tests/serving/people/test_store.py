"""Tests of users and API keys in the database."""

import pytest

from features.kernel.errors import Conflict, Invalid, NotFound
from serving.people.model import Role, is_secret_of, parts_of_key
from serving.people.store import ApiKeys, Users
from serving.storage import Database
from tests.serving.cases import NOW


def test_a_key_is_found_by_its_id_and_only_its_hash_is_kept(database: Database) -> None:
    with database.transaction() as transaction:
        key = ApiKeys(transaction).create(Role.AUDITOR, "quarterly audit", NOW)
        parts = parts_of_key(key)
        assert parts is not None
        stored = ApiKeys(transaction).find(parts[0])
        assert stored is not None
        assert (stored.role, stored.name, stored.revoked_at) == (Role.AUDITOR, "quarterly audit", None)
        assert is_secret_of(parts[1], stored.secret_hash)
        assert ApiKeys(transaction).find("nothing") is None


def test_a_key_is_revoked_once(database: Database) -> None:
    with database.transaction() as transaction:
        parts = parts_of_key(ApiKeys(transaction).create(Role.ADMIN, "", NOW))
        assert parts is not None
        for moment in (NOW, NOW.replace(year=2030)):
            ApiKeys(transaction).revoke(parts[0], moment)
        stored = ApiKeys(transaction).find(parts[0])
        assert stored is not None
        assert stored.revoked_at == NOW
        with pytest.raises(NotFound):
            ApiKeys(transaction).revoke("nothing", NOW)


def test_a_user_name_is_given_once_and_never_empty(database: Database) -> None:
    with database.transaction() as transaction:
        Users(transaction).add("ria", "hash", Role.REVIEWER, NOW)
        user = Users(transaction).find("ria")
        assert user is not None
        assert (user.name, user.role) == ("ria", Role.REVIEWER)
        assert Users(transaction).find("Ria") is None
        with pytest.raises(Conflict, match="another name"):
            Users(transaction).add("ria", "hash", Role.ADMIN, NOW)
        with pytest.raises(Invalid):
            Users(transaction).add("  ", "hash", Role.ADMIN, NOW)
