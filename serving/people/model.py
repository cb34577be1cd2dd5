"""Who is calling: roles, API keys and passwords; no framework, no storage."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum
from threading import BoundedSemaphore

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from features.kernel.errors import Invalid, MscoreError

KEY_PREFIX = "msk"
MIN_PASSWORD_LENGTH = 12


class Role(StrEnum):
    """The role words of docs/activity-schema.md#words."""

    RISK_SYSTEM = "risk_system"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    SCIENTIST = "scientist"
    AUDITOR = "auditor"
    PROGRAMME_MANAGER = "programme_manager"
    ACCOUNT_HOLDER = "account_holder"
    ADMIN = "admin"

    @classmethod
    def of(cls, word: str) -> "Role":
        """The role with that word.

        Raises:
            Invalid: there is no such role.
        """
        try:
            return cls(word)
        except ValueError:
            raise Invalid(f"There is no role {word!r}; the roles are {', '.join(cls)}.") from None


class NotAuthenticated(MscoreError):
    """The caller has not proved who they are."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who has proved who they are: a key's id or a user's name, and the role it carries.

    `client` is the program that the key belongs to: several keys of one program share it.
    """

    name: str
    role: Role
    client: str | None = None

    @property
    def person(self) -> str:
        """Who acts, for records and for the rule of two persons: a user, or a client under any of its keys.

        A user and a client of one name are one person.
        """
        return self.client or self.name


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new API key: `text` is shown once, only `key_id` and `secret_hash` are kept."""

    key_id: str
    text: str
    secret_hash: str


def issue_key() -> IssuedKey:
    """A new random API key `msk_<id>_<secret>` with 256 bits of secret."""
    key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    return IssuedKey(key_id, f"{KEY_PREFIX}_{key_id}_{secret}", hash_of_secret(secret))


def hash_of_secret(secret: str) -> str:
    """SHA-256 of a key's secret: with 256 random bits a slow hash would add nothing but load."""
    return hashlib.sha256(secret.encode()).hexdigest()


def parts_of_key(text: str) -> tuple[str, str] | None:
    """The id and the secret of a key, or None where the text is no key.

    >>> parts_of_key("msk_0a1b_secret")
    ('0a1b', 'secret')
    >>> parts_of_key("something else") is None
    True
    """
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    return (key_id, secret) if prefix == KEY_PREFIX and key_id and secret else None


def is_secret_of(secret: str, stored_hash: str | None) -> bool:
    """Whether the secret belongs to the stored hash; as slow for a key that does not exist as for one that does."""
    expected = stored_hash if stored_hash is not None else "0" * 64
    return hmac.compare_digest(hash_of_secret(secret), expected) and stored_hash is not None


class Passwords:
    """Argon2id hashing of passwords, equally slow for names that do not exist."""

    def __init__(self, time_cost: int = 3, memory_cost_kib: int = 65536) -> None:
        self._hasher = PasswordHash((Argon2Hasher(time_cost=time_cost, memory_cost=memory_cost_kib, parallelism=1),))
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))
        # Each check takes the memory and time it is meant to cost an attacker; a crowd of them must not take ours.
        self._at_once = BoundedSemaphore(1)

    def hash(self, password: str) -> str:
        """The hash to keep.

        Raises:
            Invalid: the password is shorter than 12 characters.
        """
        if len(password) < MIN_PASSWORD_LENGTH:
            raise Invalid(f"The password has {len(password)} characters; give at least {MIN_PASSWORD_LENGTH}.")
        return self._hasher.hash(password)

    def verify(self, password: str, stored_hash: str | None) -> bool:
        """Whether the password is the one that was hashed; None stands for an unknown name."""
        with self._at_once:
            is_right = self._hasher.verify(password, stored_hash or self._nobody)
        return is_right and stored_hash is not None
