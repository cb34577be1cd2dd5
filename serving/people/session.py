"""Who is signed in to the pages: the signed session cookie, its form token, and the role read anew at each request."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from fastapi import Depends
from starlette.requests import Request

from features.kernel.errors import NotPermitted
from serving.people.model import Principal, Role
from serving.people.store import Users
from serving.storage import Database
from serving.web.forms import form_token

COOKIE = "mscore_session"
LASTS_SECONDS = 8 * 3600
REVIEWERS = (Role.REVIEWER, Role.APPROVER, Role.AUDITOR, Role.ADMIN)


class SignInFirst(Exception):
    """Nobody is signed in; carries where to go on afterwards."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.location = f"/login?next={quote(path)}"


def sign_in(request: Request, name: str) -> None:
    """Start a new session for the user; nothing of the old one is kept."""
    request.session.clear()
    request.session["user"] = name
    form_token(request)


def sign_out(request: Request) -> None:
    """End the session."""
    request.session.clear()


def signed_in(database_of: Callable[[Request], Database]) -> Any:
    """The dependency that hands over the reviewer who is signed in.

    Raises:
        SignInFirst: nobody is, or the user is gone.
        NotPermitted: the user's role does not read reviews.
    """

    def reviewer(request: Request) -> Principal:
        name = request.session.get("user")
        with database_of(request).reading() as transaction:
            user = Users(transaction).find(name) if isinstance(name, str) else None
        if user is None:
            raise SignInFirst(request.url.path)
        if user.role not in REVIEWERS:
            raise NotPermitted(f"The role {user.role} does not read reviews; ask an administrator.")
        return Principal(user.name, user.role)

    return Depends(reviewer)
