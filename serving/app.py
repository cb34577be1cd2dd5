"""The composition root: puts settings, database, policy, endpoints and pages together, and runs them."""

import gc
import random
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http import HTTPStatus

import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from features.kernel.errors import Conflict, MscoreError
from features.kernel.moments import utc_now
from serving import operations
from serving.clock import clock_of
from serving.contract import CONTRACT_VERSION
from serving.decisions import accounts_api
from serving.decisions import api as decisions
from serving.decisions.queue import DecisionQueue
from serving.decisions.service import KeyReused, answer_all
from serving.intake import api as intake
from serving.people import pages as login
from serving.people.keys import KeyRing
from serving.people.model import NotAuthenticated, Passwords
from serving.people.pages import SignIn
from serving.people.session import COOKIE, LASTS, SignInFirst
from serving.people.throttle import LoginThrottle
from serving.policy.book import Policy
from serving.record import api as accounts
from serving.reviews import api as reviews
from serving.reviews import pages
from serving.scoring import pages as drift_page
from serving.settings import Settings
from serving.storage import Database
from serving.storage.database import StorageUnavailable
from serving.web.body_limit import BodyLimit
from serving.web.headers import SecurityHeaders
from serving.web.metrics import Metrics
from serving.web.problems import Problem, describe, problem_of, problem_response
from serving.web.request_log import Log, RequestLog, json_log
from serving.web.service import Service, service_of
from serving.web.site import HERE, Site, templates

TITLE = "mscore"
SPECIAL_CASES = ((NotAuthenticated, HTTPStatus.UNAUTHORIZED), (KeyReused, HTTPStatus.UNPROCESSABLE_ENTITY))


class RandomIds:
    """Ids of 96 random bits; they need not be secret, and the system's generator would hold up the event loop."""

    def __init__(self) -> None:
        self._random = random.Random()

    def __call__(self) -> str:
        """A new id."""
        return f"{self._random.getrandbits(96):024x}"


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The objects an application is built from; a test gives its own."""

    clock: Callable[[], datetime] = utc_now
    is_real_time: bool = True
    new_id: Callable[[], str] = field(default_factory=RandomIds)
    seconds: Callable[[], float] = time.monotonic
    passwords: Passwords = field(default_factory=Passwords)
    log: Log = field(default_factory=lambda: json_log(sys.stderr.buffer))


def create_app(
    settings: Settings, database: Database, policy: Policy, dependencies: Dependencies | None = None
) -> FastAPI:
    """The application: JSON endpoints under /v1, pages beside them, one error form for each.

    No model is loaded: scores come from `account_state`. The database must have been migrated.
    """
    world = dependencies or Dependencies()
    app = FastAPI(
        title=TITLE,
        version=CONTRACT_VERSION,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        strict_content_type=False,
    )
    recorder = ThreadPoolExecutor(1, thread_name_prefix="decisions")
    app.state.recorder = recorder
    app.state.service = Service(
        database=database,
        policy=policy,
        clock=world.clock,
        new_id=world.new_id,
        metrics=Metrics(),
        log=world.log,
        is_real_time=world.is_real_time,
    )
    app.state.keys = KeyRing(database, world.seconds, world.clock)
    app.state.decisions = DecisionQueue(partial(answer_all, database, policy), recorder)
    app.state.site = Site(database, world.clock, templates(), world.is_real_time)
    app.state.sign_in = SignIn(world.passwords, LoginThrottle())
    _add_routes(app)
    _add_layers(app, settings, world)
    return app


def serve(settings: Settings, database: Database, policy: Policy) -> None:
    """Run the application until it is stopped; the address is MSCORE_HOST and MSCORE_PORT.

    Raises:
        Invalid: production on a default secret.
    """
    _require_free_port(settings)
    clock = clock_of(settings)
    app = create_app(settings, database, policy, Dependencies(clock, clock.is_real))
    _settle_memory()
    try:
        uvicorn.run(
            app, host=settings.host, port=settings.port, access_log=False, server_header=False, log_level="warning"
        )
    finally:
        gc.unfreeze()  # what stays frozen at the end is reported as leaked


def _require_free_port(settings: Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise Conflict(
                f"{settings.url} cannot be served ({error.strerror}); set MSCORE_PORT to another port."
            ) from error


def _add_routes(app: FastAPI) -> None:
    for module in (decisions, intake, accounts, accounts_api, reviews, operations, login, pages, drift_page):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    describe(app)


def _add_layers(app: FastAPI, settings: Settings, world: Dependencies) -> None:
    """The layers around the routes; the one added last is outermost."""
    app.add_middleware(BodyLimit)
    app.add_middleware(
        SessionMiddleware,
        secret_key=settings.resolved_session_secret(),
        session_cookie=COOKIE,
        max_age=int(LASTS.total_seconds()),
        same_site="lax",
        https_only=settings.is_production,
    )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog, log=world.log, metrics=app.state.service.metrics, new_id=world.new_id)
    app.add_exception_handler(SignInFirst, _to_login)
    for kind in (MscoreError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _explain)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.recorder.shutdown()


def _to_login(_request: Request, error: Exception) -> Response:
    location = error.location if isinstance(error, SignInFirst) else "/login"
    return RedirectResponse(location, HTTPStatus.SEE_OTHER)


def _explain(request: Request, error: Exception) -> Response:
    problem = problem_of(error, SPECIAL_CASES)
    if isinstance(error, StorageUnavailable):
        service_of(request).log.error("database unusable", path=request.url.path, cause=str(error))
    if _is_for_a_person(request):
        return _error_page(request, problem)
    return problem_response(request, problem)


def _is_for_a_person(request: Request) -> bool:
    is_browser = "text/html" in request.headers.get("accept", "")
    return is_browser and not request.url.path.startswith("/v1/") and "session" in request.scope


def _error_page(request: Request, problem: Problem) -> Response:
    site: Site = request.app.state.site
    return site.page(
        request,
        "error.html",
        status=problem.status,
        title=problem.status.phrase,
        detail=problem.detail,
        request_id=getattr(request.state, "request_id", ""),
    )


def _settle_memory() -> None:
    """Keep the garbage collector from walking what stays for good: its pauses were the slowest answers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
