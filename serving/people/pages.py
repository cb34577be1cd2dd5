"""Signing in and out: one form, slow to guess, quick to leave."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.people.model import LoginThrottle, Passwords
from serving.people.session import sign_in, sign_out
from serving.people.store import Users
from serving.web.forms import check_form_token
from serving.web.site import Site, site_of

HOME = "/reviews"
WRONG = "The name or the password is not right."
THROTTLED = "Too many attempts; wait five minutes and try again."

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
    now, limits = site.clock(), _limits(request, name)
    if any(sign_in_of(request).throttle.is_closed(counted, limit, now) for counted, limit in limits.items()):
        return _again(request, site, onward, name, HTTPStatus.TOO_MANY_REQUESTS, THROTTLED)
    with site.database.reading() as transaction:
        user = Users(transaction).find(name)
    is_right = sign_in_of(request).passwords.verify(password, user.password_hash if user else None)
    if user is None or not is_right:
        for counted in limits:
            sign_in_of(request).throttle.record(counted, now)
        return _again(request, site, onward, name, HTTPStatus.UNAUTHORIZED, WRONG)
    sign_in(request, user.name)
    return RedirectResponse(_local(onward), HTTPStatus.SEE_OTHER)


@router.post("/logout", dependencies=[FromOurForm])
def logout(request: Request) -> Response:
    """End the session."""
    sign_out(request)
    return RedirectResponse("/login", HTTPStatus.SEE_OTHER)


def _again(request: Request, site: Site, onward: str, name: str, status: HTTPStatus, message: str) -> Response:
    return site.page(request, "login.html", status=status, next=_local(onward), name=name, message=message)


def _limits(request: Request, name: str) -> dict[str, int]:
    """The limits on failures: low for one name from one address, higher for either, so that no holder is locked out."""
    address = request.client.host if request.client else ""
    return {f"both:{address}:{name}": 5, f"address:{address}": 30, f"name:{name}": 60}


def _local(path: str) -> str:
    """The path, if it stays on this site; a browser reads `//` and `/\\` as another one."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local else HOME
