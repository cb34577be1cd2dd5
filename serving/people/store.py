"""Who may call: the users of the pages and the keys of programs, with nothing stored that would let a reader in."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, Row, String, Table, Text, and_, insert, select, update

from features.kernel.errors import Conflict, Invalid, NotFound
from serving.people.model import Role, hash_of_secret, issue_key
from serving.storage.database import Transaction
from serving.storage.metadata import UtcMoment, metadata

DEFAULT_CLIENT = "default"

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", UtcMoment, nullable=False),
    Column("disabled_at", UtcMoment),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_name", Text, nullable=False, index=True),
    Column("started_at", UtcMoment, nullable=False),
    Column("ends_at", UtcMoment, nullable=False),
    Column("ended_at", UtcMoment),
)

page_views = Table(
    "page_views",
    metadata,
    Column("view_id", Integer, primary_key=True, autoincrement=True),
    Column("user_name", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("viewed_at", UtcMoment, nullable=False),
    Index(None, "user_name", "viewed_at"),
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
    Column("client", Text, nullable=False),
    Column("expires_at", UtcMoment),
    Column("last_used_at", UtcMoment),
)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in to the pages, unless disabled."""

    name: str
    password_hash: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What is kept of an API key."""

    key_id: str
    secret_hash: str
    role: Role
    name: str
    created_at: datetime
    revoked_at: datetime | None
    client: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_in_force(self, now: datetime) -> bool:
        """Whether the key opens anything."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


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
        return _user(row) if row else None

    def list(self) -> list[User]:
        """Every user, by name."""
        return [_user(row) for row in self._connection.execute(select(users).order_by(users.c.name))]

    def disable(self, name: str, at: datetime) -> None:
        """Let the user sign in no more, and end what sessions they have.

        Raises:
            NotFound: there is no such user.
        """
        user = self._existing(name)
        if user.disabled_at is None:
            self._connection.execute(update(users).where(users.c.name == name).values(disabled_at=at))
        self.end_sessions(name, at)

    def change_password(self, name: str, password_hash: str, at: datetime) -> None:
        """Give the user another password, which comes hashed, and end what sessions they have.

        Raises:
            NotFound: there is no such user.
        """
        self._existing(name)
        self._connection.execute(update(users).where(users.c.name == name).values(password_hash=password_hash))
        self.end_sessions(name, at)

    def end_sessions(self, name: str, at: datetime) -> int:
        """Sign the user out everywhere; gives back how many sessions ended.

        Raises:
            NotFound: there is no such user.
        """
        self._existing(name)
        running = and_(sessions.c.user_name == name, sessions.c.ended_at.is_(None), sessions.c.ends_at > at)
        return self._connection.execute(update(sessions).where(running).values(ended_at=at)).rowcount

    def start_session(self, name: str, at: datetime, ends_at: datetime) -> str:
        """A new session of the user; the answer is the only time its token is to be seen."""
        token = secrets.token_urlsafe(32)
        row = {"token_hash": hash_of_secret(token), "user_name": name, "started_at": at, "ends_at": ends_at}
        self._connection.execute(insert(sessions), row)
        return token

    def end_session(self, token: str, at: datetime) -> None:
        """End the session of the token, if there is one that runs."""
        running = and_(sessions.c.token_hash == hash_of_secret(token), sessions.c.ended_at.is_(None))
        self._connection.execute(update(sessions).where(running).values(ended_at=at))

    def in_session(self, token: str, now: datetime) -> User | None:
        """The user whose session the token opens, unless it is over or the user is disabled."""
        query = (
            select(users)
            .join(sessions, sessions.c.user_name == users.c.name)
            .where(
                sessions.c.token_hash == hash_of_secret(token),
                sessions.c.ended_at.is_(None),
                sessions.c.ends_at > now,
                users.c.disabled_at.is_(None),
            )
        )
        row = self._connection.execute(query).one_or_none()
        return _user(row) if row else None

    def record_view(self, name: str, path: str, at: datetime) -> None:
        """Keep that the user opened a page."""
        self._connection.execute(insert(page_views), {"user_name": name, "path": path, "viewed_at": at})

    def _existing(self, name: str) -> User:
        user = self.find(name)
        if user is None:
            raise NotFound(f"There is no user {name!r}; `mscore users list` shows those there are.")
        return user


def _user(row: Row[Any]) -> User:
    return User(row.name, row.password_hash, Role(row.role), row.created_at, row.disabled_at)


class ApiKeys:
    """The API keys as one transaction sees them."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    def create(
        self,
        role: Role,
        name: str,
        created_at: datetime,
        client: str = DEFAULT_CLIENT,
        expires_at: datetime | None = None,
    ) -> str:
        """Make a key of the role; the answer is the only time its text is to be seen.

        Args:
            client: the program the key belongs to; its requests are repeated under any of its keys.
            expires_at: from when the key opens nothing; None for never.
        """
        key = issue_key()
        row = {"key_id": key.key_id, "secret_hash": key.secret_hash, "role": role.value, "name": name}
        times = {"created_at": created_at, "expires_at": expires_at}
        self._connection.execute(insert(api_keys), row | times | {"client": client})
        return key.text

    def list(self) -> list[StoredKey]:
        """Every key, the newest last."""
        query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.key_id)
        return [_key(row) for row in self._connection.execute(query)]

    def record_use(self, key_id: str, at: datetime) -> None:
        """Keep when the key was used last."""
        self._connection.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(last_used_at=at))

    def find(self, key_id: str) -> StoredKey | None:
        """What is kept of the key, revoked or not."""
        row = self._connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).one_or_none()
        return _key(row) if row else None

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


def _key(row: Row[Any]) -> StoredKey:
    return StoredKey(**{**row._mapping, "role": Role(row.role)})
