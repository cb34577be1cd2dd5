"""Who is signed in to the pages: the signed session cookie, its form token, and the role read anew at each request."""

import hmac
import secrets
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Form
from starlette.requests import Request

from features.errors import NotPermitted
from serving.auth import Principal, Role
from serving.storage import Database

COOKIE = "mscore_session"
LASTS_SECONDS = 8 * 3600
REVIEWERS = (Role.REVIEWER, Role.APPROVER, Role.AUDITOR, Role.ADMIN)


class SignInFirst(Exception):
    """Nobody is signed in; carries where to go on afterwards."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.location = f"/login?next={quote(path)}"


def form_token(request: Request) -> str:
    """The token every form of this session carries, made at first use."""
    token: str = request.session.setdefault("form_token", secrets.token_urlsafe(24))
    return token


def check_form_token(request: Request, token: Annotated[str, Form(alias="form_token")] = "") -> None:
    """Refuse a form that did not come from one of our own pages.

    Raises:
        NotPermitted: the token is missing or belongs to another session.
    """
    expected = str(request.session.get("form_token", ""))
    if not expected or not hmac.compare_digest(expected.encode(), token.encode()):
        raise NotPermitted("The form has expired; go back, load the page again and send it once more.")


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
            user = transaction.users.find(name) if isinstance(name, str) else None
        if user is None:
            raise SignInFirst(request.url.path)
        if user.role not in REVIEWERS:
            raise NotPermitted(f"The role {user.role} does not read reviews; ask an administrator.")
        return Principal(user.name, user.role)

    return Depends(reviewer)
