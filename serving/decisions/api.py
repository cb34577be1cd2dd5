"""POST /v1/decisions: one request of an account, one answer, recorded before it is sent."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from features.kernel.errors import Invalid
from serving.decisions.body import DecisionBody
from serving.decisions.queue import queue_of
from serving.decisions.service import DecisionResponse, Incoming, preview
from serving.people.permissions import Decider
from serving.web.problems import documented
from serving.web.service import Service, service_of

MAX_KEY_LENGTH = 255
router = APIRouter(tags=["decisions"])
IdempotencyKey = Annotated[str | None, Header(description="Required unless dry_run; 1 to 255 printable characters.")]


@router.post(
    "/v1/decisions",
    responses=documented(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    ),
)
async def decide(
    request: Request,
    body: DecisionBody,
    caller: Decider,
    idempotency_key: IdempotencyKey = None,
    dry_run: Annotated[bool, Query(description="The whole answer, nothing stored.")] = False,
) -> Response:
    """Decide about one request of an account (roles risk_system, admin)."""
    service = service_of(request)
    incoming = Incoming(
        request=body.request(),
        client=caller.client or caller.name,
        idempotency_key="" if dry_run else _checked(idempotency_key),
        decision_id=f"dec_{service.new_id()}",
        decided_at=service.clock(),
    )
    if dry_run:
        answered = await run_in_threadpool(preview, service.database, service.policy, incoming)
    else:
        answered = await queue_of(request).answer(incoming)
        _count(service, answered)
    return Response(answered.body, media_type="application/json")


def _checked(key: str | None) -> str:
    if key is None:
        raise Invalid("The header Idempotency-Key is missing; send a new random one with each new request.")
    if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise Invalid(f"The Idempotency-Key has {len(key)} characters; give 1 to {MAX_KEY_LENGTH} printable ones.")
    return key


def _count(service: Service, answered: DecisionResponse) -> None:
    if answered.decision is None:
        return
    service.metrics.count_decision(
        answered.decision.outcome.word, (missing.component for missing in answered.decision.degraded)
    )
    if not answered.is_recorded:
        service.log.error("decision given but not recorded", answer=answered.body.decode())
