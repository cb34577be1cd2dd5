"""One JSON line a request: an id, what was asked, what was answered, how long it took; never a secret or a body."""

import time
from collections.abc import Callable
from typing import Any, BinaryIO

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.web.metrics import Metrics

Log = structlog.typing.FilteringBoundLogger
UNMATCHED = "(none)"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def json_log(stream: BinaryIO) -> Log:
    """A logger of its own that writes JSON lines to the stream."""
    log: Log = structlog.wrap_logger(
        structlog.BytesLogger(stream),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
    )
    return log


class RequestLog:
    """Gives each request its id, counts it and logs it."""

    def __init__(self, app: ASGIApp, log: Log, metrics: Metrics, new_id: Callable[[], str]) -> None:
        self._app, self._log, self._metrics, self._new_id = app, log, metrics, new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and write its line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if not any(name == b"x-request-id" for name, _ in message["headers"]):
                    message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            self._log.exception("request failed", request_id=request_id, path=scope["path"])
            raise
        finally:
            self._write(scope, request_id, status, time.perf_counter() - started)

    def _write(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        route = getattr(scope.get("route"), "path_format", UNMATCHED)
        self._metrics.count_request(method, route, status, seconds)
        client: Any = scope.get("client")
        self._log.info(
            "request",
            request_id=request_id,
            method=method,
            path=scope["path"],
            status=status,
            ms=round(seconds * 1000, 3),
            client=client[0] if client else None,
        )
