"""Permissions as they stand in the signatures of endpoints: which roles may call."""

from typing import Annotated

from fastapi import Security
from fastapi.security import HTTPBearer
from starlette.requests import Request

from features.kernel.errors import NotPermitted
from serving.people.keys import keys_of
from serving.people.model import Principal, Role

DECIDES = frozenset({Role.RISK_SYSTEM, Role.ADMIN})
READS_REVIEWS = frozenset({Role.REVIEWER, Role.APPROVER, Role.AUDITOR, Role.ADMIN})
READS_SCORES = READS_REVIEWS | {Role.RISK_SYSTEM, Role.SCIENTIST}
READS_RECORD = frozenset({Role.REVIEWER, Role.APPROVER, Role.AUDITOR, Role.RISK_SYSTEM})
APPROVES = frozenset({Role.APPROVER})
READS_METRICS = frozenset({Role.RISK_SYSTEM, Role.SCIENTIST, Role.AUDITOR, Role.ADMIN})


class Allowed(HTTPBearer):
    """Lets only those roles in and hands over who calls; it is also what the OpenAPI document says about it."""

    def __init__(self, roles: frozenset[Role]) -> None:
        super().__init__(
            bearerFormat="msk_<id>_<secret>", scheme_name="ApiKey", description="A key of `mscore keys create`."
        )
        self._roles = roles

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]
        """Who calls.

        Raises:
            NotAuthenticated: no key in force is presented.
            NotPermitted: its role may not do this.
        """
        caller = await keys_of(request).principal_of(request.headers.get("authorization"))
        if caller.role not in self._roles:
            raise NotPermitted(f"The role {caller.role} may not do this; it is for {', '.join(sorted(self._roles))}.")
        return caller


Decider = Annotated[Principal, Security(Allowed(DECIDES))]
ScoreReader = Annotated[Principal, Security(Allowed(READS_SCORES))]
ReviewReader = Annotated[Principal, Security(Allowed(READS_REVIEWS))]
RecordReader = Annotated[Principal, Security(Allowed(READS_RECORD))]
Approver = Annotated[Principal, Security(Allowed(APPROVES))]
MetricsReader = Annotated[Principal, Security(Allowed(READS_METRICS))]
