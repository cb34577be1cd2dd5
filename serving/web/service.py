"""What every endpoint works with: the parts the composition root put together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from serving.policy.book import Policy
from serving.storage import Database
from serving.web.metrics import Metrics
from serving.web.request_log import Log

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of one running application."""

    database: Database
    policy: Policy
    clock: Clock
    new_id: Callable[[], str]
    metrics: Metrics
    log: Log
    is_real_time: bool = True


def service_of(request: Request) -> Service:
    """The parts of the application that got the request."""
    service: Service = request.app.state.service
    return service
