"""The page about drift: whether what is scored still looks like what was learned from."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.people.model import Principal
from serving.people.session import signed_in
from serving.reviews.store import ReviewLog
from serving.scoring.store import looks
from serving.scoring.views import columns_of, course_of, rates_of
from serving.web.site import Site, database_of, site_of

DAYS = 60

router = APIRouter(include_in_schema=False)


@router.get("/drift")
def drift(
    request: Request, site: Annotated[Site, Depends(site_of)], user: Annotated[Principal, signed_in(database_of)]
) -> Response:
    """The last look with its alarms, the course of the looks, and reviews opened a day."""
    with site.database.reading() as transaction:
        found = looks(transaction)
        opened = ReviewLog(transaction).opened_by_day(DAYS)
    latest = found.get("latest")
    return site.page(
        request,
        "drift.html",
        user,
        latest=latest,
        columns=columns_of(latest) if latest else [],
        course=course_of(found["history"], latest["adversarial_alarm"]) if latest else None,
        rates=rates_of(opened),
    )
