"""What every page works with: the parts handed in by the composition root, and the templates."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from serving.storage import Database
from serving.web.forms import form_token
from serving.web.wording import kind_words, measure_words, plain, typology_words

HERE = Path(__file__).parent


def templates() -> Environment:
    """The page templates; everything shown is escaped, a name that is missing is an error."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "typology": typology_words, "kind": kind_words, "measure": measure_words}
    return environment


class SignedIn(Protocol):
    """Who is shown as signed in."""

    @property
    def name(self) -> str:
        """The user name."""


@dataclass(frozen=True, slots=True)
class Site:
    """The parts of the pages."""

    database: Database
    clock: Callable[[], datetime]
    environment: Environment
    is_real_time: bool = True

    def page(
        self,
        request: Request,
        template: str,
        user: SignedIn | None = None,
        status: HTTPStatus = HTTPStatus.OK,
        **context: Any,
    ) -> Response:
        """One rendered page."""
        demo_time = None if self.is_real_time else self.clock()
        shown = context | {"user": user, "form_token": form_token(request), "demo_time": demo_time}
        return HTMLResponse(self.environment.get_template(template).render(shown), status)


def site_of(request: Request) -> Site:
    """The parts of the application that got the request."""
    site: Site = request.app.state.site
    return site
