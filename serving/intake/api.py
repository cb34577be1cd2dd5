"""Lists, legal orders and the changes that wait for a second person, over HTTP."""

from collections.abc import Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from serving.decisions.body import AccountId, Moment, Text
from serving.intake.declaring import (
    KINDS,
    LISTS,
    Declared,
    Entry,
    approve,
    declare_entry,
    declare_order,
    end_entry,
    lift_order,
    refuse,
)
from serving.intake.views import change_document, changes_document, declared_document, entries_document
from serving.people.permissions import Approver, RecordReader
from serving.record.changes import Change, ChangeState
from serving.record.known import Record
from serving.storage import Database
from serving.web.problems import documented
from serving.web.service import service_of

router = APIRouter(tags=["record"])
REFUSALS = documented(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
WAITING: dict[int | str, dict[str, Any]] = {
    HTTPStatus.ACCEPTED.value: {"description": "It waits for a second person, under a change_id."}
}
Decide = Callable[[Database, str, str, str | None, datetime], Change]
ENTRY = "/v1/lists/{list_name}/{kind}/{value:path}"


ListName = Annotated[str, Path(json_schema_extra={"enum": list(LISTS)})]
Kind = Annotated[str, Path(json_schema_extra={"enum": list(KINDS)})]


class EntryBody(BaseModel):
    """Where an entry comes from, when it is in effect, and why it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Text
    reason: Text
    effective_from: Moment | None = None
    effective_to: Moment | None = None


class OrderBody(BaseModel):
    """A legal order, as in the table `legal_orders`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    legal_order_id: AccountId
    account_id: AccountId
    authority: Text
    scope: Literal["freeze", "withdrawals", "trading"]
    ts: Moment | None = None
    expires_at: Moment | None = None


class ReasonBody(BaseModel):
    """Why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Text


@router.put(ENTRY, responses=REFUSALS | WAITING)
async def put_entry(
    request: Request, list_name: ListName, kind: Kind, value: str, body: EntryBody, caller: Approver
) -> Response:
    """Put an entry on a list; it binds at once (role approver). One that ends an earlier one sooner waits."""
    service, entry = service_of(request), Entry(list_name, kind, value, body.source)
    declared = await run_in_threadpool(
        declare_entry,
        service.database,
        entry,
        body.effective_from,
        body.effective_to,
        caller.person,
        body.reason,
        service.clock(),
    )
    return _answer([declared], "entries")


@router.delete(ENTRY, responses=REFUSALS | WAITING)
async def delete_entry(
    request: Request,
    list_name: ListName,
    kind: Kind,
    value: str,
    caller: Approver,
    source: Annotated[str, Query(min_length=1, max_length=200)],
    reason: Annotated[str, Query(min_length=1, max_length=200)],
) -> Response:
    """End an entry of a list (role approver); one of sanctions or criminals waits for a second person."""
    service, entry = service_of(request), Entry(list_name, kind, value, source)
    declared = await run_in_threadpool(end_entry, service.database, entry, caller.person, reason, service.clock())
    return _answer(declared, "entries")


@router.get("/v1/lists/{list_name}", responses=REFUSALS)
async def get_list(
    request: Request,
    list_name: ListName,
    _caller: RecordReader,
    page_size: Annotated[int | None, Query(ge=1)] = None,
    page_token: str | None = None,
) -> Response:
    """The entries of a list that bind (roles reviewer, approver, auditor, risk_system)."""
    database = service_of(request).database
    return _json(await run_in_threadpool(entries_document, database, list_name, page_size, page_token))


@router.post("/v1/legal-orders", status_code=HTTPStatus.CREATED, responses=REFUSALS | WAITING)
async def post_order(request: Request, body: OrderBody, caller: Approver) -> Response:
    """Write down a legal order; it binds at once, above everything (role approver).

    The same order sent again changes nothing; `ts` is the present moment where it is left out.
    """
    service = service_of(request)
    now = service.clock()
    order = body.model_dump() | {"ts": body.ts or now, "lifted_at": None}
    declared = await run_in_threadpool(declare_order, service.database, order, caller.person, now)
    return _answer([declared], "legal_orders", HTTPStatus.CREATED)


@router.post("/v1/legal-orders/{legal_order_id:path}/lift", responses=REFUSALS | WAITING)
async def post_lift(request: Request, legal_order_id: str, body: ReasonBody, caller: Approver) -> Response:
    """Ask for a legal order to be lifted (role approver): it binds until another approver agrees."""
    service = service_of(request)
    declared = await run_in_threadpool(
        lift_order, service.database, legal_order_id, caller.person, body.reason, service.clock()
    )
    return _answer(declared, "legal_orders")


@router.get("/v1/changes", responses=REFUSALS)
async def get_changes(request: Request, _caller: RecordReader, state: ChangeState | None = None) -> Response:
    """The changes in a state, by default those that wait for a second person."""
    chosen = state or ChangeState.AWAITING_APPROVAL
    return _json(await run_in_threadpool(changes_document, service_of(request).database, chosen))


@router.post("/v1/changes/{change_id}/approve", responses=REFUSALS)
async def post_approve(request: Request, change_id: str, caller: Approver, body: ReasonBody | None = None) -> Response:
    """Let a change bind (role approver, another person than proposed it)."""
    return await _decided(approve, request, change_id, caller.person, body)


@router.post("/v1/changes/{change_id}/refuse", responses=REFUSALS)
async def post_refuse(request: Request, change_id: str, caller: Approver, body: ReasonBody | None = None) -> Response:
    """Say that a change will not bind (role approver, another person than proposed it)."""
    return await _decided(refuse, request, change_id, caller.person, body)


async def _decided(decide: Decide, request: Request, change_id: str, by: str, body: ReasonBody | None) -> Response:
    service = service_of(request)

    def decided() -> dict[str, Any]:
        change = decide(service.database, change_id, by, body.reason if body else None, service.clock())
        with service.database.reading() as transaction:
            return change_document(change, Record(transaction).row(change.subject, change.row_key))

    return _json(await run_in_threadpool(decided))


def _answer(declared: Sequence[Declared], name: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """What became of the rows; 202 where they wait for a second person."""
    document = declared_document(declared, name)
    return _json(document, HTTPStatus.ACCEPTED if "change_id" in document else status)


def _json(document: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")
