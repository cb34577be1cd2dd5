"""API keys as requests present them: read once, cached for seconds, compared in constant time."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from serving.people.model import NotAuthenticated, Principal, is_secret_of, parts_of_key
from serving.people.store import ApiKeys, StoredKey
from serving.storage import Database

REFUSED = "This endpoint needs an API key that is in force: send `Authorization: Bearer msk_…`."
CACHE_SECONDS = 5.0
MAX_CACHED_KEYS = 1000


@dataclass(slots=True)
class KeyRing:
    """The keys in use; a revoked one is refused after `cache_seconds` at the latest.

    Unknown keys are not cached, so guessing cannot fill the ring; `seconds` is a monotonic clock.
    """

    database: Database
    seconds: Callable[[], float]
    cache_seconds: float = CACHE_SECONDS
    _known: OrderedDict[str, tuple[StoredKey, float]] = field(default_factory=OrderedDict)

    async def principal_of(self, authorization: str | None) -> Principal:
        """Who presents the header.

        Raises:
            NotAuthenticated: the header is missing, malformed, or its key is unknown, wrong or revoked.
        """
        scheme, _, text = (authorization or "").partition(" ")
        parts = parts_of_key(text.strip()) if scheme.lower() == "bearer" else None
        if parts is None:
            raise NotAuthenticated(REFUSED)
        key_id, secret = parts
        key = self._cached(key_id)
        if key is None:
            key = await run_in_threadpool(self._read, key_id)
            self._cache(key)
        if not is_secret_of(secret, key.secret_hash if key else None) or key is None or key.revoked_at is not None:
            raise NotAuthenticated(REFUSED)
        return Principal(key.key_id, key.role)

    def _cached(self, key_id: str) -> StoredKey | None:
        key, until = self._known.get(key_id, (None, 0.0))
        return key if self.seconds() < until else None

    def _cache(self, key: StoredKey | None) -> None:
        if key is not None:
            self._known[key.key_id] = (key, self.seconds() + self.cache_seconds)
        while len(self._known) > MAX_CACHED_KEYS:
            self._known.popitem(last=False)

    def _read(self, key_id: str) -> StoredKey | None:
        with self.database.reading() as transaction:
            return ApiKeys(transaction).find(key_id)


def keys_of(request: Request) -> KeyRing:
    """The key ring of the application that got the request."""
    keys: KeyRing = request.app.state.keys
    return keys
