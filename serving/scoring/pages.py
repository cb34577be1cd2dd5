"""The page about drift: whether current accounts still look like those of the training data."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.people.model import Principal
from serving.people.session import signed_in
from serving.reviews.store import ReviewLog
from serving.scoring.store import drift_checks
from serving.scoring.views import columns_of, drift_series, rates_of
from serving.web.site import Site, site_of

DAYS = 60

router = APIRouter(include_in_schema=False)


@router.get("/drift")
def drift(
    request: Request, site: Annotated[Site, Depends(site_of)], user: Annotated[Principal, signed_in(site_of)]
) -> Response:
    """The last drift check with its alarms, the series of checks, and reviews opened per day."""
    with site.database.reading() as transaction:
        stored = drift_checks(transaction)
        opened = ReviewLog(transaction).opened_by_day(DAYS)
    latest = stored.get("latest")
    return site.page(
        request,
        "drift.html",
        user,
        latest=latest,
        columns=columns_of(latest) if latest else [],
        series=drift_series(stored["history"], latest["adversarial_alarm"]) if latest else None,
        rates=rates_of(opened),
    )
