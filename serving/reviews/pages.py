"""The pages of reviews: the queue, and one case on one page."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.measures.service import of_review
from serving.people.model import Principal
from serving.people.session import signed_in
from serving.policy.terms import SAMPLED, Severity
from serving.reviews.model import ReviewStatus
from serving.reviews.store import QueueOrder, ReviewFilter, ReviewLog
from serving.reviews.views import case_page, queue_row
from serving.web.site import Site, site_of
from serving.web.wording import TYPOLOGIES

ROWS_A_PAGE = 25
SEVERITIES = tuple(severity.word for severity in reversed(Severity))
WAITING = "waiting"
STATUSES = (WAITING, *(status.value for status in ReviewStatus))
ORDERS = tuple(order.value for order in QueueOrder)

router = APIRouter(include_in_schema=False)
TheSite = Annotated[Site, Depends(site_of)]
Reviewer = Annotated[Principal, signed_in(site_of)]


@router.get("/")
def home() -> Response:
    """The queue is the first page."""
    return RedirectResponse("/reviews", HTTPStatus.SEE_OTHER)


@router.get("/reviews")
def queue(
    request: Request,
    site: TheSite,
    user: Reviewer,
    status: str = WAITING,
    severity: str = "",
    typology: str = "",
    order: str = "",
    page_token: str | None = None,
) -> Response:
    """What waits in the queue, or what the filters choose; a filter with an unknown word is left out."""
    filters = ReviewFilter(
        ReviewStatus(status) if status in STATUSES and status != WAITING else None,
        Severity.of(severity) if severity in SEVERITIES else None,
        typology if typology and typology != SAMPLED else None,
        waiting=status == WAITING,
        sampled=typology == SAMPLED if typology else None,
        order=QueueOrder(order) if order in ORDERS else QueueOrder.SEVERITY,
    )
    with site.database.reading() as transaction:
        page = ReviewLog(transaction).list(filters, ROWS_A_PAGE, page_token)
        counts = ReviewLog(transaction).count_by_status()
    now = site.clock()
    chosen = {"status": status, "severity": severity, "typology": typology, "order": filters.order.value}
    usual = {"status": WAITING, "order": QueueOrder.SEVERITY.value}
    return site.page(
        request,
        "queue.html",
        user,
        rows=[queue_row(review, now) for review in page.rows],
        counts=counts,
        total=sum(counts.values()),
        chosen=chosen,
        choices=_choices(),
        is_first_page=page_token is None,
        is_filtered=bool(severity or typology or filters.status),
        filters=urlencode({name: value for name, value in chosen.items() if value != usual.get(name, "")}),
        next_page=urlencode({**chosen, "page_token": page.next_page_token}) if page.next_page_token else None,
    )


@router.get("/reviews/{review_id:path}")
def case(request: Request, site: TheSite, user: Reviewer, review_id: str) -> Response:
    """One case."""
    now = site.clock()
    with site.database.reading() as transaction:
        review = ReviewLog(transaction).get(review_id)
        history = ReviewLog(transaction).history(review_id)
        started = of_review(transaction, review_id, now)
    review = replace(review, measures=(*review.measures, *started))
    return site.page(request, "case.html", user, page=case_page(review, history, now))


def _choices() -> dict[str, Any]:
    return {"status": STATUSES, "severity": SEVERITIES, "typology": (*TYPOLOGIES, SAMPLED), "order": ORDERS}
