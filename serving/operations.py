"""GET /healthz, /readyz and /metrics: whether the process lives, whether it can work, and how it has worked."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from features.kernel.moments import text_of
from serving.people.permissions import MetricsReader
from serving.record.service import RECORDED
from serving.scoring.store import LAST_RUN, drift_checks
from serving.storage import Database
from serving.storage.database import StorageUnavailable
from serving.storage.service_state import ServiceState
from serving.web.problems import documented
from serving.web.service import service_of

OK = "ok"
router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def health(request: Request) -> Response:
    """`ok`, or `degraded` without a database: 200 either way, since decisions are given either way; needs no key.

    `demo_time` is there where the clock does not show real time.
    """
    service = service_of(request)
    is_well = await run_in_threadpool(_answers, service.database)
    demo_time = {} if service.is_real_time else {"demo_time": text_of(service.clock())}
    body = orjson.dumps({"status": "ok" if is_well else "degraded", **demo_time})
    return Response(body, media_type="application/json")


@router.get("/readyz")
async def ready(request: Request) -> Response:
    """Whether decisions read everything they should: 503 while the database or the record is not there; no key."""
    parts = await run_in_threadpool(_parts, service_of(request).database)
    is_ready = parts["database"] == parts["record"] == OK
    body = orjson.dumps({"status": "ready" if is_ready else "not_ready", **parts})
    status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(body, status, media_type="application/json")


@router.get(
    "/metrics",
    responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN),
    response_class=PlainTextResponse,
)
async def metrics(request: Request, _caller: MetricsReader) -> Response:
    """Counters, and the last drift check, in Prometheus' text format (risk_system, scientist, auditor, admin)."""
    service = service_of(request)
    service.metrics.show_drift(await run_in_threadpool(_last_drift_check, service.database))
    return Response(service.metrics.exposition(), media_type=service.metrics.media_type)


def _parts(database: Database) -> dict[str, str]:
    """The state of each part, without details."""
    try:
        with database.reading() as transaction:
            recorded = ServiceState(transaction).get(RECORDED)
            last_run = ServiceState(transaction).get(LAST_RUN)
    except StorageUnavailable:
        return {"database": "unusable", "record": "unknown", "lake": "unknown", "models": "unknown"}
    return {
        "database": OK,
        "record": OK if recorded is not None else "never_written",
        "lake": OK if recorded is not None and recorded["lake_version"] is not None else "empty",
        "models": OK if last_run is not None and last_run["models"] else "none",
    }


def _answers(database: Database) -> bool:
    try:
        with database.reading() as transaction:
            ServiceState(transaction).get("health")
    except StorageUnavailable:
        return False
    return True


def _last_drift_check(database: Database) -> Mapping[str, Any]:
    """The figures of the last drift check; none before the first one, or without a usable database."""
    try:
        with database.reading() as transaction:
            history = drift_checks(transaction).get("history")
    except StorageUnavailable:
        return {}
    return history[-1] if history else {}
