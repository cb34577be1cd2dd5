"""Permissions as they stand in the signatures of endpoints: which roles may call."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from features.errors import NotPermitted
from serving.api.service import TheService
from serving.auth import Principal, Role

_bearer = HTTPBearer(
    auto_error=False, bearerFormat="msk_<id>_<secret>", description="An API key of `mscore keys create`."
)
Presented = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


def allowed(*roles: Role) -> Any:
    """The dependency that lets only those roles in and hands over who calls."""

    async def principal(request: Request, service: TheService, _presented: Presented) -> Principal:
        caller = await service.keys.principal_of(request.headers.get("authorization"))
        if caller.role not in roles:
            raise NotPermitted(f"The role {caller.role} may not do this; it is for {', '.join(sorted(roles))}.")
        return caller

    checked: Callable[..., Awaitable[Principal]] = principal
    return Depends(checked)


DECIDES = (Role.RISK_SYSTEM, Role.ADMIN)
READS_SCORES = (Role.RISK_SYSTEM, Role.REVIEWER, Role.APPROVER, Role.SCIENTIST, Role.AUDITOR, Role.ADMIN)
READS_REVIEWS = (Role.REVIEWER, Role.APPROVER, Role.AUDITOR, Role.ADMIN)
READS_METRICS = (Role.RISK_SYSTEM, Role.SCIENTIST, Role.AUDITOR, Role.ADMIN)

Decider = Annotated[Principal, allowed(*DECIDES)]
ScoreReader = Annotated[Principal, allowed(*READS_SCORES)]
ReviewReader = Annotated[Principal, allowed(*READS_REVIEWS)]
MetricsReader = Annotated[Principal, allowed(*READS_METRICS)]
