"""API keys as requests present them: read once, cached for seconds, compared in constant time."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from serving.people.model import NotAuthenticated, Principal, is_secret_of, parts_of_key
from serving.people.store import ApiKeys, StoredKey
from serving.storage import Database
from serving.storage.database import StorageUnavailable

REFUSED = "This endpoint needs an API key that is in force: send `Authorization: Bearer msk_…`."
CACHE_SECONDS = 5.0
OUTAGE_SECONDS = 15 * 60.0
"""How long keys that were in force stay so while the database cannot be read."""
MAX_CACHED_KEYS = 1000
USE_KEPT_EVERY = timedelta(hours=1)
LOCK_TIMEOUT_MS = 200


@dataclass(slots=True)
class KeyRing:
    """The keys in use; a revoked one is refused after `cache_seconds` at the latest.

    Unknown keys are not cached, so guessing cannot fill the ring; `seconds` is a monotonic clock, `clock` tells the
    moment by which keys expire.
    """

    database: Database
    seconds: Callable[[], float]
    clock: Callable[[], datetime]
    cache_seconds: float = CACHE_SECONDS
    _known: OrderedDict[str, tuple[StoredKey, float]] = field(default_factory=OrderedDict)

    async def principal_of(self, authorization: str | None) -> Principal:
        """Who presents the header.

        Raises:
            NotAuthenticated: the header is missing, malformed, or its key is unknown, wrong, revoked or expired.
            StorageUnavailable: the database cannot be read, and the key was not in use in the last quarter of an hour.
        """
        scheme, _, text = (authorization or "").partition(" ")
        parts = parts_of_key(text.strip()) if scheme.lower() == "bearer" else None
        if parts is None:
            raise NotAuthenticated(REFUSED)
        key_id, secret = parts
        key = self._cached(key_id, self.cache_seconds)
        if key is None:
            key = await run_in_threadpool(self._read, key_id)
        if not is_secret_of(secret, key.secret_hash if key else None) or key is None:
            raise NotAuthenticated(REFUSED)
        if not key.is_in_force(self.clock()):
            raise NotAuthenticated(REFUSED)
        return Principal(key.key_id, key.role, key.client)

    def _cached(self, key_id: str, max_seconds: float) -> StoredKey | None:
        key, read_at = self._known.get(key_id, (None, 0.0))
        return key if key and self.seconds() < read_at + max_seconds else None

    def _cache(self, key: StoredKey) -> None:
        self._known[key.key_id] = (key, self.seconds())
        while len(self._known) > MAX_CACHED_KEYS:
            self._known.popitem(last=False)

    def _read(self, key_id: str) -> StoredKey | None:
        try:
            with self.database.reading() as transaction:
                key = ApiKeys(transaction).find(key_id)
        except StorageUnavailable:
            last_read = self._cached(key_id, OUTAGE_SECONDS)
            if last_read is None:
                raise
            return last_read
        if key is not None:
            self._cache(key)
            self._keep_use(key)
        return key

    def _keep_use(self, key: StoredKey) -> None:
        """Keeps when a key was used, to the hour; while another process writes, the next use is kept instead."""
        now = self.clock()
        if key.last_used_at is not None and now - key.last_used_at < USE_KEPT_EVERY:
            return
        with suppress(StorageUnavailable), self.database.transaction(LOCK_TIMEOUT_MS) as transaction:
            ApiKeys(transaction).record_use(key.key_id, now)


def keys_of(request: Request) -> KeyRing:
    """The key ring of the application that got the request."""
    keys: KeyRing = request.app.state.keys
    return keys
