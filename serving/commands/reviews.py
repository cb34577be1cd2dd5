"""The commands of the review desk: list cases, show one, close one."""

from typing import Annotated

import typer

from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out, table
from features.kernel.errors import Invalid
from serving.commands.start import existing_database_of, now_in, settings_of
from serving.policy.terms import TYPOLOGIES, Severity
from serving.reviews.closing import close_review
from serving.reviews.conditions import conditions_of
from serving.reviews.model import Finding, Review, ReviewStatus
from serving.reviews.store import QueueOrder, ReviewFilter, ReviewLog

MAX_PAGE_SIZE = 200
MAX_NAMES = 4
MAX_REASONS = 5
THRESHOLD_WORDS = {True: "met", False: "not met", None: ""}

app = application("Cases.")
reviews_app = application("Cases that a person must review.")
app.add_typer(reviews_app, name="reviews")


@reviews_app.command("list")
def list_reviews(
    status: Annotated[str | None, typer.Option(help="Only reviews with this status.")] = None,
    severity: Annotated[str | None, typer.Option(help="Only reviews of this severity.")] = None,
    typology: Annotated[str | None, typer.Option(help="Only reviews of this typology.")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only reviews that are not closed.")] = False,
    sampled: Annotated[
        bool | None,
        typer.Option(
            "--random-sample/--not-random-sample", "--drawn/--not-drawn", help="Only random samples, or none."
        ),
    ] = None,
    order: Annotated[
        str, typer.Option(help="Sort order: severity, or priority (harm prevented per minute of review).")
    ] = QueueOrder.SEVERITY.value,
    page_size: Annotated[
        int | None, typer.Option(min=1, max=MAX_PAGE_SIZE, help="Reviews per page; all by default.")
    ] = None,
    page_token: Annotated[str | None, typer.Option(help="Token of the next page, from the previous one.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List reviews, the most severe or the highest priority first."""
    if typology is not None and typology not in TYPOLOGIES:
        raise Invalid(f"Unknown typology {typology!r}; choose one of {', '.join(TYPOLOGIES)}.")
    if waiting and status == ReviewStatus.CLOSED:
        raise Invalid("--waiting cannot be combined with --status closed.")
    filters = ReviewFilter(_status(status), _severity(severity), typology, waiting, sampled, _order(order))
    reviews: list[Review] = []
    token = page_token
    with existing_database_of(settings_of(home)).reading() as transaction:
        while True:
            page = ReviewLog(transaction).list(filters, page_size or MAX_PAGE_SIZE, token)
            reviews += page.rows
            token = page.next_page_token
            if page_size or not token:
                break

    def human() -> None:
        if not reviews and (status or severity or typology or sampled is not None):
            out.print("No review matches.")
            return
        if not reviews:
            out.print("There are no reviews. Run `mscore score --as-of MOMENT` to open them.")
            return
        rows = [
            (
                r.severity.word,
                r.typology,
                r.title,
                _named(r.accounts),
                _status_and_finding(r),
                _priority(r),
                r.review_id,
            )
            for r in reviews
        ]
        table(("severity", "typology", "title", "accounts", "status", "priority", "review"), rows)

    emit({"reviews": [review.to_json() for review in reviews], "next_page_token": token}, as_json, human)


def _priority(review: Review) -> str:
    return "" if review.status is ReviewStatus.CLOSED else f"{review.priority:.2g}"


def _status_and_finding(review: Review) -> str:
    return review.status.value + (f": {review.finding.value}" if review.finding else "")


def _named(accounts: tuple[str, ...]) -> str:
    shown = ", ".join(accounts[:MAX_NAMES])
    return shown if len(accounts) <= MAX_NAMES else f"{shown} and {len(accounts) - MAX_NAMES} more"


def _status(word: str | None) -> ReviewStatus | None:
    if word is None:
        return None
    if word not in list(ReviewStatus):
        raise Invalid(f"Unknown status {word!r}; choose one of {', '.join(ReviewStatus)}.")
    return ReviewStatus(word)


def _order(word: str) -> QueueOrder:
    if word not in list(QueueOrder):
        raise Invalid(f"Unknown order {word!r}; choose one of {', '.join(QueueOrder)}.")
    return QueueOrder(word)


def _severity(word: str | None) -> Severity | None:
    if word is None:
        return None
    if word.upper() not in Severity.__members__:
        raise Invalid(f"Unknown severity {word!r}; choose one of {', '.join(s.word for s in Severity)}.")
    return Severity.of(word)


@reviews_app.command("show")
def show_review(
    review_id: Annotated[str, typer.Argument(help="Id of the review.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show one review: fired rules with values and thresholds, evidence, proposed measures."""
    with existing_database_of(settings_of(home)).reading() as transaction:
        review = ReviewLog(transaction).get(review_id)
    emit(review.to_json(), as_json, lambda: _show_review(review))


def _show_review(review: Review) -> None:
    out.print(
        f"{review.severity.word.upper()} {review.title} ({review.typology}), {_status_and_finding(review)}",
        markup=False,
    )
    out.print(f"accounts {', '.join(review.accounts)}; clauses {', '.join(review.clauses)}; due {review.due_at}")
    out.print(review.summary, markup=False)
    for rule in review.rules:
        rows = [
            (condition.name, condition.value, condition.threshold, THRESHOLD_WORDS[condition.meets_threshold])
            for condition in conditions_of(rule)
        ]
        table(("value of", "found", "threshold", ""), rows, f"{rule.title} (clause {rule.clause}, {rule.rule_id})")
    for account, explanation in review.explanations.items():
        parts = [part for part in explanation["contributions"] if part["contribution"]][:MAX_REASONS]
        reasons = [(part["text"], f"{part['contribution']:+.3f}") for part in parts]
        model = f"{explanation['model']['name']}, version {explanation['model']['version']}"
        table(
            ("why", "part"),
            reasons,
            f"{account}: {model}, from {explanation['base']:.3f} to {explanation['score']:.3f}",
        )
    lines = [(row.table, row.id, row.ts.isoformat(), row.text) for row in review.evidence]
    table(("table", "row", "time", "what"), lines, "evidence")
    if review.links:
        links = [(link.a, link.b, link.kind, f"{link.weight:.2f}", link.text) for link in review.links]
        table(("account", "and", "by", "weight", "what"), links, "links")
    for proposed in review.proposed_measures:
        length = f" for {proposed.days} days" if proposed.days else ""
        out.print(f"proposed: {proposed.measure}{length} {proposed.scope or ''}".rstrip(), markup=False)


@reviews_app.command("close")
def close(
    review_id: Annotated[str, typer.Argument(help="Id of the review.")],
    finding: Annotated[str, typer.Option(help="Finding: " + ", ".join(Finding) + ".")],
    by: Annotated[str, typer.Option(help="Who decided.")],
    typology: Annotated[
        str | None, typer.Option(help="Confirmed typology, if it differs from the one the review was opened for.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Close a review with a finding. `mscore feedback` turns it into a label."""
    if finding not in list(Finding):
        raise Invalid(f"Unknown finding {finding!r}; choose one of {', '.join(Finding)}.")
    if not by.strip():
        raise Invalid("--by is required: name the person who decided.")
    database = existing_database_of(settings_of(home))
    review = close_review(database, review_id, Finding(finding), by.strip(), now_in(home), typology)
    emit(review.to_json(), as_json, lambda: out.print(f"Review {review_id} closed as {finding} ({review.typology})."))
