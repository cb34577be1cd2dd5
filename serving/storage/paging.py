"""Pages of a list: where the next one starts, in an opaque token bound to the question it continues."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from features.kernel.errors import Invalid

MAX_PAGE_SIZE = 200
DEFAULT_PAGE = 50

Row = TypeVar("Row")


class BadPageToken(Invalid):
    """The page token is damaged or belongs to other parameters."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page; `next_page_token` is None on the last."""

    rows: tuple[Row, ...]
    next_page_token: str | None


def token_after(position: Sequence[Any], parameters: Mapping[str, Any]) -> str:
    """The token of the page after the position."""
    payload = orjson.dumps([_fingerprint(parameters), list(position)])
    return base64.urlsafe_b64encode(payload).decode().rstrip("=")


def position_of(token: str, parameters: Mapping[str, Any], kinds: Sequence[type]) -> list[Any]:
    """The position behind which the next page starts.

    Raises:
        BadPageToken: the token is damaged, or was given for other parameters.

    >>> position_of(token_after([3, "r1"], {"status": "open"}), {"status": "open"}, [int, str])
    [3, 'r1']
    """
    try:
        fingerprint, position = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, TypeError):
        raise BadPageToken("The page_token is damaged; start again without one.") from None
    if fingerprint != _fingerprint(parameters):
        raise BadPageToken("The page_token belongs to other parameters; start again without one.")
    if not isinstance(position, list) or [type(part) for part in position] != list(kinds):
        raise BadPageToken("The page_token is damaged; start again without one.")
    return position


def page_limit(page_size: int | None) -> int:
    """How many rows a page holds: 50 by default, never more than 200.

    Raises:
        Invalid: fewer than one row is asked for.
    """
    if page_size is None:
        return DEFAULT_PAGE
    if page_size < 1:
        raise Invalid(f"page_size is {page_size}; ask for 1 to {MAX_PAGE_SIZE} rows.")
    return min(page_size, MAX_PAGE_SIZE)


def _fingerprint(parameters: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(dict(parameters), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
