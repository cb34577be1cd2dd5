"""How accounts stand now, over HTTP: the record of one, what binds it, and the measures in force."""

from http import HTTPStatus

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from serving.decisions.accounts import account_document, measures_document, restrictions_document
from serving.people.permissions import RecordReader
from serving.web.problems import documented
from serving.web.service import service_of

router = APIRouter(tags=["accounts"])


@router.get(
    "/v1/accounts/{account_id:path}/restrictions",
    responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN),
)
async def restrictions(request: Request, account_id: str, _caller: RecordReader) -> Response:
    """What binds an account now: lists, legal orders, measures (roles reviewer, approver, auditor, risk_system)."""
    service = service_of(request)
    document = await run_in_threadpool(restrictions_document, service.database, account_id, service.clock())
    return Response(orjson.dumps(document), media_type="application/json")


@router.get(
    "/v1/accounts/{account_id:path}",
    responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
async def account(request: Request, account_id: str, _caller: RecordReader) -> Response:
    """The record of an account (roles reviewer, approver, auditor, risk_system)."""
    service = service_of(request)
    document = await run_in_threadpool(account_document, service.database, account_id, service.clock())
    return Response(orjson.dumps(document), media_type="application/json")


@router.get("/v1/measures", responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))
async def measures(request: Request, _caller: RecordReader, account_id: str | None = None) -> Response:
    """The measures in force, of one account or all (roles reviewer, approver, auditor, risk_system)."""
    service = service_of(request)
    document = await run_in_threadpool(measures_document, service.database, account_id, service.clock())
    return Response(orjson.dumps(document), media_type="application/json")
