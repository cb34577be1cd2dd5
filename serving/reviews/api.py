"""GET /v1/reviews and /v1/reviews/{id}: the queue in pages, and one case."""

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from serving.measures.service import of_review
from serving.people.permissions import ReviewReader
from serving.policy.terms import Severity
from serving.reviews.model import ReviewStatus
from serving.reviews.store import QueueOrder, ReviewFilter, ReviewLog
from serving.storage import Database
from serving.storage.paging import MAX_PAGE_SIZE
from serving.web.problems import documented
from serving.web.service import service_of

router = APIRouter(tags=["reviews"])
SeverityWord = Literal["info", "low", "medium", "high", "critical", "legal"]
PageSize = Annotated[
    int | None, Query(ge=1, description=f"Rows per page, 50 by default; above {MAX_PAGE_SIZE} means {MAX_PAGE_SIZE}.")
]


@router.get("/v1/reviews", responses=documented(HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))
async def reviews(
    request: Request,
    _caller: ReviewReader,
    status: ReviewStatus | None = None,
    severity: SeverityWord | None = None,
    typology: str | None = None,
    waiting: bool = False,
    sampled: Annotated[bool | None, Query(alias="drawn")] = None,
    order: QueueOrder = QueueOrder.SEVERITY,
    page_size: PageSize = None,
    page_token: str | None = None,
) -> Response:
    """The queue, the most severe (or the highest priority) first, then the earliest due.

    `waiting=true` leaves out closed reviews; `drawn` chooses random samples, or leaves them out. Roles reviewer,
    approver, auditor, admin.
    """
    gravity = Severity.of(severity) if severity else None
    filters = ReviewFilter(status, gravity, typology, waiting, sampled, order)
    body = await run_in_threadpool(_queue, service_of(request).database, filters, page_size, page_token)
    return Response(body, media_type="application/json")


@router.get(
    "/v1/reviews/{review_id:path}",
    responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
async def review(request: Request, review_id: str, _caller: ReviewReader) -> Response:
    """One case in its current state (roles reviewer, approver, auditor, admin)."""
    service = service_of(request)
    body = await run_in_threadpool(_case, service.database, review_id, service.clock())
    return Response(body, media_type="application/json")


def _queue(database: Database, filters: ReviewFilter, page_size: int | None, page_token: str | None) -> bytes:
    with database.reading() as transaction:
        page = ReviewLog(transaction).list(filters, page_size, page_token)
    rows = [review.to_json() for review in page.rows]
    return orjson.dumps({"reviews": rows, "next_page_token": page.next_page_token})


def _case(database: Database, review_id: str, now: datetime) -> bytes:
    with database.reading() as transaction:
        review = ReviewLog(transaction).get(review_id)
        started = of_review(transaction, review_id, now)
    return orjson.dumps(replace(review, measures=(*review.measures, *started)).to_json())
