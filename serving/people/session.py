"""Who is signed in to the pages: a session in the database, opened by a token in the cookie, read at each request."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from fastapi import Depends
from starlette.requests import Request

from features.kernel.errors import NotPermitted
from serving.people.model import Principal, Role
from serving.people.store import Users
from serving.storage.database import StorageUnavailable, Transaction
from serving.web.forms import form_token
from serving.web.site import Site

COOKIE = "mscore_session"
TOKEN = "session"  # noqa: S105 - the name of a field, not a secret
LASTS = timedelta(hours=8)
LOCK_TIMEOUT_MS = 200
REVIEWERS = (Role.REVIEWER, Role.APPROVER, Role.AUDITOR, Role.ADMIN)


class SignInFirst(Exception):
    """Nobody is signed in; carries where to go on afterwards."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.location = f"/login?next={quote(path)}"


def sign_in(request: Request, transaction: Transaction, name: str, now: datetime) -> None:
    """Start a new session for the user; nothing of the old one is kept."""
    _end(request, transaction, now)
    request.session.clear()
    request.session[TOKEN] = Users(transaction).start_session(name, now, now + LASTS)
    form_token(request)


def sign_out(request: Request, transaction: Transaction, now: datetime) -> None:
    """End the session, for whoever holds its cookie."""
    _end(request, transaction, now)
    request.session.clear()


def _end(request: Request, transaction: Transaction, now: datetime) -> None:
    token = request.session.get(TOKEN)
    if isinstance(token, str):
        Users(transaction).end_session(token, now)


def signed_in(site_of: Callable[[Request], Site]) -> Any:
    """The dependency that hands over the reviewer who is signed in, and keeps which page was opened.

    Raises:
        SignInFirst: no session runs, or its user is disabled.
        NotPermitted: the user's role does not read reviews.
    """

    def reviewer(request: Request) -> Principal:
        site, token = site_of(request), request.session.get(TOKEN)
        now = site.clock()
        user = None
        if isinstance(token, str):
            with site.database.reading() as transaction:
                user = Users(transaction).in_session(token, now)
        if user is None:
            raise SignInFirst(request.url.path)
        if user.role not in REVIEWERS:
            raise NotPermitted(f"The role {user.role} does not read reviews; ask an administrator.")
        # A page opens although another process writes; the request log has it then.
        with suppress(StorageUnavailable), site.database.transaction(LOCK_TIMEOUT_MS) as transaction:
            Users(transaction).record_view(user.name, request.url.path, now)
        return Principal(user.name, user.role)

    return Depends(reviewer)
