"""GET /v1/accounts/{id}/scores: the newest scores of one account, as stored; no model runs here."""

from http import HTTPStatus

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from features.kernel.moments import text_of
from serving.people.permissions import ScoreReader
from serving.record.store import AccountStates
from serving.storage import Database
from serving.web.problems import documented
from serving.web.service import service_of

router = APIRouter(tags=["accounts"])


@router.get(
    "/v1/accounts/{account_id:path}/scores",
    responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
async def scores(request: Request, account_id: str, _caller: ScoreReader) -> Response:
    """The newest scores of an account with their strongest reasons and the versions that made them.

    Roles risk_system, reviewer, approver, scientist, auditor, admin.
    """
    body = await run_in_threadpool(_body, service_of(request).database, account_id)
    return Response(body, media_type="application/json")


def _body(database: Database, account_id: str) -> bytes:
    with database.reading() as transaction:
        stored = AccountStates(transaction).get(account_id)
    state = stored.state
    return orjson.dumps(
        {
            "account_id": state.account_id,
            "as_of": text_of(state.as_of) if state.as_of else None,
            "updated_at": text_of(stored.updated_at),
            "scores": state.scores.to_json(),
            "reasons": [reason.to_json() for reason in state.score_reasons],
            "versions": {"catalogue": state.catalogue, "models": dict(state.models)},
        }
    )
