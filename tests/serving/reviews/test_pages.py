"""Tests of the pages: signing in, the queue, a case, and what a hostile text may do (nothing)."""

from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import httpx
import pytest

from serving.measures.model import ProposedMeasure
from serving.people.model import Role
from serving.people.store import Users
from serving.policy.terms import Severity
from serving.reviews.lifecycle import Changes, EventKind, ReviewEvent
from serving.reviews.model import AccountLink, EvidenceRow, Finding, Review, ReviewStatus
from serving.reviews.store import ReviewLog
from serving.web.headers import CONTENT_SECURITY_POLICY
from tests.serving.cases import NOW, drawn_review, plain_review, ring_review, spoofing_review
from tests.serving.conftest import FAST_PASSWORDS, PASSWORD, Running, form_token

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}javascript:alert(3)"


class Elements(HTMLParser):
    """Collects the elements of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the element."""
        self.found.append((tag, dict(attrs)))


def open_reviews(service: Running, *reviews: Review) -> None:
    """Store the reviews."""
    with service.database.transaction() as transaction:
        for review in reviews:
            assert ReviewLog(transaction).open(review)


def hostile_review() -> Review:
    """A review in which every text a stranger could have written is hostile."""
    rule = replace(
        ring_review().rules[0], title=HOSTILE, says=HOSTILE, rule_id=HOSTILE, values={HOSTILE: HOSTILE}, thresholds={}
    )
    contribution = {"feature": HOSTILE, "value": HOSTILE, "contribution": 1.0, "text": HOSTILE}
    explanation = {
        "account_id": HOSTILE,
        "model": {"name": HOSTILE, "version": HOSTILE},
        "base": 0.0,
        "score": 1.0,
        "output": HOSTILE,
        "contributions": [contribution],
    }
    return replace(
        ring_review("rev_hostile"),
        typology=HOSTILE,
        title=HOSTILE,
        summary=HOSTILE,
        clauses=(HOSTILE,),
        accounts=(HOSTILE, "A2"),
        rules=(rule,),
        scores={HOSTILE: HOSTILE},
        evidence=(EvidenceRow(HOSTILE, HOSTILE, NOW, HOSTILE),),
        links=(AccountLink(HOSTILE, "A2", HOSTILE, 0.5, HOSTILE),),
        proposed_measures=(ProposedMeasure(HOSTILE, (HOSTILE,), None, HOSTILE),),
        explanation=explanation,
        explanations={},
        assigned_to=HOSTILE,
    )


def test_without_signing_in_every_page_leads_to_the_form_and_back(service: Running) -> None:
    open_reviews(service, ring_review())
    browser = service.browser()
    landed = browser.get("/reviews/rev_flock")
    assert landed.url.path == "/login"
    with service.database.transaction() as transaction:
        Users(transaction).add("ria", FAST_PASSWORDS.hash(PASSWORD), Role.REVIEWER, NOW)
    form = {"form_token": form_token(browser), "name": "ria", "password": PASSWORD, "next": landed.url.params["next"]}
    assert browser.post("/login", data=form).url.path == "/reviews/rev_flock"


def headings(browser: httpx.Client, query: str) -> list[str]:
    """The reviews of the queue's page, in its order."""
    rows = Elements(browser.get(f"/reviews{query}").text).found
    return [str(attrs["href"]).rpartition("/")[2] for tag, attrs in rows if tag == "a" and "data-row" in attrs]


def test_the_queue_shows_what_waits_and_everything_if_asked(service: Running) -> None:
    open_reviews(service, ring_review(), spoofing_review())
    browser = service.signed_in()
    with service.database.transaction() as transaction:
        closed = Changes(status=ReviewStatus.CLOSED, finding=Finding.CLEARED)
        ReviewLog(transaction).record(ReviewEvent("rev_flock", 2, EventKind.CLOSED, NOW, "ria", closed))
    assert headings(browser, "") == headings(browser, "?status=waiting") == ["rev_spoof"]
    assert headings(browser, "?status=") == ["rev_flock", "rev_spoof"]
    with service.database.transaction() as transaction:
        ReviewLog(transaction).record(ReviewEvent("rev_spoof", 2, EventKind.CLOSED, NOW, "ria", closed))
    for query in ("", "?order=priority"):
        assert "Every review is closed" in browser.get(f"/reviews{query}").text


def test_the_queue_can_be_asked_for_what_was_drawn(service: Running) -> None:
    open_reviews(service, spoofing_review(), drawn_review("rev_lot"), plain_review("rev_plain"))
    browser = service.signed_in()
    assert headings(browser, "?typology=drawn") == ["rev_lot"]
    assert headings(browser, "?typology=unknown_anomaly") == ["rev_plain"]
    assert headings(browser, "?typology=spoofing") == ["rev_spoof"]
    assert '<option value="drawn" selected>Random sample</option>' in browser.get("/reviews?typology=drawn").text


def test_the_queue_can_put_the_most_harm_a_minute_first(service: Running) -> None:
    sure = replace(spoofing_review(), priority=0.4)
    drawn = replace(plain_review("rev_plain", Severity.CRITICAL), opened_at=NOW - timedelta(days=2))
    open_reviews(service, drawn, sure)
    browser = service.signed_in()
    assert headings(browser, "") == ["rev_plain", "rev_spoof"]
    assert headings(browser, "?order=priority") == ["rev_spoof", "rev_plain"]
    assert "Harm per minute" in browser.get("/reviews?order=priority").text


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "", "/\nx"])
def test_signing_in_leads_to_no_other_site(service: Running, target: str) -> None:
    with service.database.transaction() as transaction:
        Users(transaction).add("ria", FAST_PASSWORDS.hash(PASSWORD), Role.REVIEWER, NOW)
    browser = service.browser()
    form = {"form_token": form_token(browser), "name": "ria", "password": PASSWORD, "next": target}
    answer = browser.post("/login", data=form, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/reviews")


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(service: Running) -> None:
    cookie = service.browser().get("/login").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize("path", ["/login", "/logout"])
@pytest.mark.parametrize("token", [None, "", "guess", "ü"])
def test_a_form_from_elsewhere_is_refused(service: Running, path: str, token: str | None) -> None:
    browser = service.signed_in()
    form = {"name": "ria", "password": PASSWORD} | ({} if token is None else {"form_token": token})
    assert browser.post(path, data=form).status_code == 403
    assert browser.get("/reviews").url.path == "/reviews"


def test_signing_out_ends_the_session(service: Running) -> None:
    browser = service.signed_in()
    assert browser.post("/logout", data={"form_token": form_token(browser)}).url.path == "/login"
    assert browser.get("/reviews").url.path == "/login"


def test_a_session_somebody_made_up_is_none(service: Running) -> None:
    forged = service.browser()
    forged.cookies.set("mscore_session", "eyJ1c2VyIjogInJpYSJ9.aaaa.bbbb")
    assert forged.get("/reviews").url.path == "/login"


def test_guessing_is_stopped_and_allowed_again_later(service: Running) -> None:
    with service.database.transaction() as transaction:
        Users(transaction).add("ria", FAST_PASSWORDS.hash(PASSWORD), Role.REVIEWER, NOW)
    browser = service.browser()
    form = {"form_token": form_token(browser), "name": "ria", "password": "a wrong password"}
    assert [browser.post("/login", data=form).status_code for _ in range(6)] == [401] * 5 + [429]
    right = form | {"password": PASSWORD}
    assert browser.post("/login", data=right).status_code == 429
    service.clock.move(timedelta(minutes=5))
    assert browser.post("/login", data=right).status_code == 200


def test_an_unknown_name_and_a_wrong_password_look_the_same(service: Running) -> None:
    browser = service.signed_in()
    token = form_token(browser)
    pages = [
        browser.post("/login", data={"form_token": token, "name": name, "password": "wrong"}).text.replace(name, "?")
        for name in ("ria", "nobody")
    ]
    assert pages[0] == pages[1]


def test_a_role_that_does_not_read_reviews_is_told_so(service: Running) -> None:
    with service.database.transaction() as transaction:
        Users(transaction).add("sam", FAST_PASSWORDS.hash(PASSWORD), Role.SCIENTIST, NOW)
    browser = service.browser()
    answer = browser.post("/login", data={"form_token": form_token(browser), "name": "sam", "password": PASSWORD})
    assert answer.status_code == 403
    assert "scientist does not read reviews" in answer.text


def test_every_answer_carries_the_content_security_policy(service: Running) -> None:
    browser = service.signed_in()
    for path in ("/login", "/reviews", "/reviews/none", "/static/app.css", "/healthz", "/v1/reviews", "/nothing"):
        assert browser.get(path).headers["content-security-policy"] == CONTENT_SECURITY_POLICY, path
    assert browser.get("/reviews").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/reviews", "/reviews/rev_flock", "/reviews/rev_spoof", "/reviews/p", "/login"])
def test_pages_hold_nothing_the_policy_would_stop(service: Running, path: str) -> None:
    open_reviews(service, ring_review(), spoofing_review(), plain_review("p"))
    elements = Elements(service.signed_in().get(path).text).found
    for tag, attributes in elements:
        assert tag != "style"
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "/").startswith(("/", "#")), (tag, attributes)
    assert [attributes["src"] for tag, attributes in elements if tag == "script"] == ["/static/keys.js"]


@pytest.mark.parametrize("path", ["/reviews", "/reviews/rev_hostile", f"/reviews?typology={HOSTILE}"])
def test_hostile_text_is_shown_and_never_becomes_markup(service: Running, path: str) -> None:
    open_reviews(service, hostile_review())
    page = service.signed_in().get(path)
    assert page.status_code == 200
    elements = Elements(page.text).found
    assert [attributes.get("src") for tag, attributes in elements if tag in ("script", "img")] == [
        "/static/keys.js",
        "/static/favicon.svg",
    ]
    assert not any(name.startswith("on") for _, attributes in elements for name in attributes)
    assert "<script>alert" not in page.text
    assert ">49" not in page.text


def test_the_queue_says_why_each_review_is_there(service: Running) -> None:
    open_reviews(service, ring_review(), plain_review("p", Severity.LEGAL, NOW - timedelta(hours=3)))
    page = service.signed_in().get("/reviews").text
    assert page.index("/reviews/p") < page.index("/reviews/rev_flock")
    assert "linked accounts 6 (threshold 3)" in page
    assert "overdue by 2 h" in page
    assert "in 1 h 50 min" in page
    assert "A10482917, A10482944, A10483310 and 3 more" in page


def test_the_queue_goes_on_page_by_page_with_its_filters(service: Running) -> None:
    reviews = [plain_review(f"r{number:02}") for number in range(27)]
    open_reviews(service, ring_review(), *reviews)
    browser = service.signed_in()
    first = browser.get("/reviews?severity=medium")
    following = [a for tag, a in Elements(first.text).found if tag == "a" and a.get("rel") == "next"]
    second = browser.get(following[0]["href"] or "").text
    assert first.text.count("data-row") == 25
    assert second.count("data-row") == 2
    assert "First page" in second
    assert browser.get("/reviews?page_token=broken").status_code == 400


def test_empty_states_say_what_to_do(service: Running) -> None:
    browser = service.signed_in()
    assert "mscore score" in browser.get("/reviews").text
    open_reviews(service, ring_review())
    assert "see all reviews" in browser.get("/reviews?severity=low").text


def test_a_case_shows_what_fired_why_and_what_may_be_done(service: Running) -> None:
    open_reviews(service, ring_review())
    page = service.signed_in().get("/reviews/rev_flock").text
    for words in (
        "What happened",
        "1,284,500",
        "2.57 × the threshold",
        "62 % of the volume in 7 days was with linked accounts.",
        "higher than 99.7 % of comparable accounts",
        "taken from position limit ring (26)",
        "6 accounts, 7 linked pairs.",
        "None of them binds until a person decides",
        "Close-only trading",
        "180 days",
        "Opened",
    ):
        assert words in page, words


def test_a_case_that_does_not_exist_is_a_page_for_a_person_and_a_problem_for_a_program(service: Running) -> None:
    browser = service.signed_in()
    page = browser.get("/reviews/none")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no review" in page.text
    program: httpx.Response = browser.get("/reviews/none", headers={"Accept": "application/json"})
    assert program.headers["content-type"] == "application/problem+json"


def test_pages_are_served_without_javascript_files_from_elsewhere(service: Running) -> None:
    client = service.client()
    for name in ("app.css", "keys.js", "favicon.svg"):
        assert client.get(f"/static/{name}").status_code == 200
    assert client.get("/static/../site.py").status_code == 404
