"""Who may call: the users of the pages and the keys of programs, with nothing stored that would let a reader in."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, String, Table, Text, insert, select, update

from features.kernel.errors import Conflict, Invalid, NotFound
from serving.people.model import Role, issue_key
from serving.storage.database import Transaction
from serving.storage.metadata import UtcMoment, metadata

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", UtcMoment, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("secret_hash", String(64), nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", UtcMoment, nullable=False),
    Column("revoked_at", UtcMoment),
)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in to the pages."""

    name: str
    password_hash: str
    role: Role


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What is kept of an API key."""

    key_id: str
    secret_hash: str
    role: Role
    name: str
    created_at: datetime
    revoked_at: datetime | None


class Users:
    """The users as one transaction sees them."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    def add(self, name: str, password_hash: str, role: Role, created_at: datetime) -> None:
        """Add a user; the password comes hashed (`serving.people.model.Passwords`).

        Raises:
            Invalid: the name is empty.
            Conflict: the name is taken.
        """
        if not name.strip():
            raise Invalid("The user name is empty; give one.")
        if self.find(name) is not None:
            raise Conflict(f"There is a user {name!r} already; choose another name.")
        row = {"name": name, "password_hash": password_hash, "role": role.value, "created_at": created_at}
        self._connection.execute(insert(users), row)

    def find(self, name: str) -> User | None:
        """The user of that name, if any."""
        row = self._connection.execute(select(users).where(users.c.name == name)).one_or_none()
        return User(row.name, row.password_hash, Role(row.role)) if row else None


class ApiKeys:
    """The API keys as one transaction sees them."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    def create(self, role: Role, name: str, created_at: datetime) -> str:
        """Make a key of the role; the answer is the only time its text is to be seen."""
        key = issue_key()
        row = {"key_id": key.key_id, "secret_hash": key.secret_hash, "role": role.value, "name": name}
        self._connection.execute(insert(api_keys), row | {"created_at": created_at})
        return key.text

    def find(self, key_id: str) -> StoredKey | None:
        """What is kept of the key, revoked or not."""
        row = self._connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).one_or_none()
        if row is None:
            return None
        return StoredKey(row.key_id, row.secret_hash, Role(row.role), row.name, row.created_at, row.revoked_at)

    def revoke(self, key_id: str, at: datetime) -> None:
        """Let the key open nothing any more.

        Raises:
            NotFound: there is no such key.
        """
        key = self.find(key_id)
        if key is None:
            raise NotFound(f"There is no API key {key_id!r}.")
        if key.revoked_at is None:
            self._connection.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(revoked_at=at))
