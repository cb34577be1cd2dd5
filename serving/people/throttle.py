"""The brake on guessing passwords: how many tries fail before others are refused unread, and how many run at once."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from threading import Lock

MAX_AT_ONCE = 20
MAX_AT_ONCE_PER_ADDRESS = 5
MAX_WRONG_PER_NAME_AND_ADDRESS = 5
MAX_WRONG_PER_NAME = 60


class Admission(Enum):
    """What becomes of a try to sign in."""

    ADMITTED = auto()
    TOO_MANY_FAILURES = auto()
    BUSY = auto()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in, by whom and from where."""

    name: str
    address: str

    @property
    def limits(self) -> Mapping[tuple[str, ...], int]:
        """The limits on failures: low for one name from one address, higher for a name, so that none is locked out.

        Nothing is counted for an address alone: people behind one proxy do not pay for each other.
        """
        return {(self.address, self.name): MAX_WRONG_PER_NAME_AND_ADDRESS, (self.name,): MAX_WRONG_PER_NAME}


@dataclass(slots=True)
class LoginThrottle:
    """Counts failures inside a sliding window; a try under way counts as failed until it has turned out right.

    So of any number of tries at once no more are looked at than may fail one after the other.
    """

    window: timedelta = timedelta(minutes=5)
    max_names: int = 10_000
    _failures: dict[tuple[str, ...], deque[datetime]] = field(default_factory=dict)
    _under_way: Counter[tuple[str, ...]] = field(default_factory=Counter)
    _addresses: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def admit(self, attempt: Attempt, now: datetime) -> Admission:
        """Whether the try may be looked at; if so, `settle` must follow."""
        with self._lock:
            for counted, limit in attempt.limits.items():
                if len(self._recent(counted, now)) + self._under_way[counted] >= limit:
                    return Admission.TOO_MANY_FAILURES
            is_crowded = self._addresses[attempt.address] >= MAX_AT_ONCE_PER_ADDRESS
            if is_crowded or self._addresses.total() >= MAX_AT_ONCE:
                return Admission.BUSY
            self._addresses[attempt.address] += 1
            self._under_way.update(attempt.limits.keys())
            return Admission.ADMITTED

    def settle(self, attempt: Attempt, now: datetime, *, is_right: bool) -> None:
        """How an admitted try turned out."""
        with self._lock:
            self._addresses -= Counter([attempt.address])
            self._under_way -= Counter(attempt.limits.keys())
            if not is_right:
                for counted in attempt.limits:
                    self._record(counted, now)

    def _record(self, counted: tuple[str, ...], now: datetime) -> None:
        recent = self._recent(counted, now)
        recent.append(now)
        self._failures.pop(counted, None)
        self._failures[counted] = recent
        while len(self._failures) > self.max_names:
            self._failures.pop(next(iter(self._failures)))

    def _recent(self, counted: tuple[str, ...], now: datetime) -> deque[datetime]:
        recent = self._failures.get(counted, deque())
        while recent and recent[0] <= now - self.window:
            recent.popleft()
        return recent
