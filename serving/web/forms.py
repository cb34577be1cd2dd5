"""The token that every form carries, so that a form of another site is refused."""

import hmac
import secrets
from typing import Annotated

from fastapi import Form
from starlette.requests import Request

from features.kernel.errors import NotPermitted


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
