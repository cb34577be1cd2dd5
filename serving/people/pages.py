"""Signing in and out: one form, slow to guess, quick to leave."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.people.model import Passwords
from serving.people.session import sign_in, sign_out
from serving.people.store import User, Users
from serving.people.throttle import Admission, Attempt, LoginThrottle
from serving.web.forms import check_form_token
from serving.web.site import Site, site_of

HOME = "/reviews"
WRONG = "The name or the password is not right."
REFUSED = {
    Admission.TOO_MANY_FAILURES: "Too many attempts; wait five minutes and try again.",
    Admission.BUSY: "Too many people are signing in at this moment; wait some seconds and try again.",
}
MAX_NAME_LENGTH = 200

router = APIRouter(include_in_schema=False)
TheSite = Annotated[Site, Depends(site_of)]
FromOurForm = Depends(check_form_token)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What checks a sign-in."""

    passwords: Passwords
    throttle: LoginThrottle


def sign_in_of(request: Request) -> SignIn:
    """The sign-in checks of the application that got the request."""
    checks: SignIn = request.app.state.sign_in
    return checks


@router.get("/login")
def login_page(request: Request, site: TheSite, onward: Annotated[str, Query(alias="next")] = HOME) -> Response:
    """The form."""
    return site.page(request, "login.html", next=_local(onward), name="", message="")


@router.post("/login", dependencies=[FromOurForm])
def login(
    request: Request,
    site: TheSite,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    onward: Annotated[str, Form(alias="next")] = HOME,
) -> Response:
    """Check name and password, behind the login throttle."""
    address = request.client.host if request.client else ""
    attempt, throttle, now = Attempt(name[:MAX_NAME_LENGTH], address), sign_in_of(request).throttle, site.clock()
    admission = throttle.admit(attempt, now)
    if admission is not Admission.ADMITTED:
        return _again(request, site, onward, name, HTTPStatus.TOO_MANY_REQUESTS, REFUSED[admission])
    user = None
    try:
        user = _proved(request, site, name, password)
    finally:
        throttle.settle(attempt, now, is_right=user is not None)
    if user is None:
        return _again(request, site, onward, name, HTTPStatus.UNAUTHORIZED, WRONG)
    with site.database.transaction() as transaction:
        sign_in(request, transaction, user.name, now)
    return RedirectResponse(_local(onward), HTTPStatus.SEE_OTHER)


@router.post("/logout", dependencies=[FromOurForm])
def logout(request: Request, site: TheSite) -> Response:
    """End the session."""
    with site.database.transaction() as transaction:
        sign_out(request, transaction, site.clock())
    return RedirectResponse("/login", HTTPStatus.SEE_OTHER)


def _proved(request: Request, site: Site, name: str, password: str) -> User | None:
    """The user, if the password is theirs and they are not disabled."""
    with site.database.reading() as transaction:
        user = Users(transaction).find(name)
    is_open = user is not None and user.disabled_at is None
    is_right = sign_in_of(request).passwords.verify(password, user.password_hash if user and is_open else None)
    return user if is_right else None


def _again(request: Request, site: Site, onward: str, name: str, status: HTTPStatus, message: str) -> Response:
    return site.page(request, "login.html", status=status, next=_local(onward), name=name, message=message)


def _local(path: str) -> str:
    """The path, if it stays on this site; a browser reads `//` and `/\\` as another one."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local else HOME
