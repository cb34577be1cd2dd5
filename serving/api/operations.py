"""GET /healthz and GET /metrics: whether the service can work, and how it has worked."""

from http import HTTPStatus

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from serving.api.problems import documented
from serving.api.security import MetricsReader
from serving.api.service import service_of
from serving.storage import Database
from serving.storage.database import StorageUnavailable

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def health(request: Request) -> Response:
    """`ok`, or `degraded` without a database: 200 either way, since decisions are given either way; needs no key."""
    is_well = await run_in_threadpool(_answers, service_of(request).database)
    body = orjson.dumps({"status": "ok" if is_well else "degraded"})
    return Response(body, media_type="application/json")


@router.get("/metrics", responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))
async def metrics(request: Request, _caller: MetricsReader) -> Response:
    """Counters in Prometheus' text format (roles risk_system, scientist, auditor, admin)."""
    return Response(service_of(request).metrics.exposition(), media_type=service_of(request).metrics.media_type)


def _answers(database: Database) -> bool:
    try:
        with database.reading() as transaction:
            transaction.service_state.get("health")
    except StorageUnavailable:
        return False
    return True
