"""Every route with every caller: a new one fails until it stands here, and none becomes open by mistake."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.routing import Mount, Route

from serving.app import create_app
from serving.people.model import Role, parts_of_key
from serving.people.store import ApiKeys, Users
from serving.policy.book import Policy
from serving.record.model import AccountState
from serving.record.service import RECORDED
from serving.record.store import AccountStates
from serving.reviews.store import ReviewLog
from serving.settings import Settings
from serving.storage import Database
from serving.storage.service_state import ServiceState
from tests.serving.cases import NOW, ring_review
from tests.serving.conftest import FAST_PASSWORDS, PASSWORD, Running, form_token

READS_REVIEWS = {"reviewer", "approver", "auditor", "admin"}
READS_SCORES = READS_REVIEWS | {"risk_system", "scientist"}
READS_RECORD = {"reviewer", "approver", "auditor", "risk_system"}
APPROVES = {"approver"}
WHY = {"source": "s", "reason": "r"}
ORDER = {"legal_order_id": "o-1", "account_id": "A1", "authority": "a court", "scope": "freeze"}
LOGIN = {"account_id": "A1", "action": {"type": "login", "occurred_at": "2025-05-31T14:20:00Z"}}

# By method and path of the route: who may call, what is asked, and with what.
ENDPOINTS: Mapping[tuple[str, str], tuple[set[str], str, dict[str, Any]]] = {
    ("POST", "/v1/decisions"): ({"risk_system", "admin"}, "/v1/decisions", {"json": LOGIN}),
    ("GET", "/v1/accounts/{account_id:path}/scores"): (READS_SCORES, "/v1/accounts/A1/scores", {}),
    ("GET", "/v1/accounts/{account_id:path}/restrictions"): (READS_RECORD, "/v1/accounts/A1/restrictions", {}),
    ("GET", "/v1/accounts/{account_id:path}"): (READS_RECORD, "/v1/accounts/A1", {}),
    ("GET", "/v1/measures"): (READS_RECORD, "/v1/measures", {}),
    ("PUT", "/v1/lists/{list_name}/{kind}/{value:path}"): (APPROVES, "/v1/lists/mixer/address/x", {"json": WHY}),
    ("DELETE", "/v1/lists/{list_name}/{kind}/{value:path}"): (APPROVES, "/v1/lists/mixer/address/x", {"params": WHY}),
    ("GET", "/v1/lists/{list_name}"): (READS_RECORD, "/v1/lists/mixer", {}),
    ("POST", "/v1/legal-orders"): (APPROVES, "/v1/legal-orders", {"json": ORDER}),
    ("POST", "/v1/legal-orders/{legal_order_id:path}/lift"): (
        APPROVES, "/v1/legal-orders/o-1/lift", {"json": {"reason": "r"}},
    ),
    ("GET", "/v1/changes"): (READS_RECORD, "/v1/changes", {}),
    ("POST", "/v1/changes/{change_id}/approve"): (APPROVES, "/v1/changes/none/approve", {}),
    ("POST", "/v1/changes/{change_id}/refuse"): (APPROVES, "/v1/changes/none/refuse", {}),
    ("GET", "/v1/reviews"): (READS_REVIEWS, "/v1/reviews", {}),
    ("GET", "/v1/reviews/{review_id:path}"): (READS_REVIEWS, "/v1/reviews/rev_flock", {}),
    ("GET", "/metrics"): ({"risk_system", "scientist", "auditor", "admin"}, "/metrics", {}),
}  # fmt: skip
PAGES = {"/reviews": "/reviews", "/reviews/{review_id:path}": "/reviews/rev_flock", "/drift": "/drift"}
OPEN = {
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/openapi.json"), ("GET", "/login"), ("POST", "/login"),
    ("POST", "/logout"), ("GET", "/"),
}  # fmt: skip
"""The list of `contract.md`; a form that is sent there carries a token of the page."""
ANSWERS = {200, 201, 202, 404}


def routes_of(router: Any) -> Iterator[tuple[str, str]]:
    """Method and path of everything that the application serves, beside static files."""
    for route in router.routes:
        if included := getattr(route, "original_router", None):
            yield from routes_of(included)
        elif isinstance(route, Mount):
            assert route.path == "/static"
        else:
            assert isinstance(route, Route)
            yield from ((method, route.path) for method in (route.methods or ()) if method != "HEAD")


@pytest.fixture
def known(full_service: Running) -> Running:
    """A service that knows an account and a review."""
    with full_service.database.transaction() as transaction:
        ServiceState(transaction).put(RECORDED, {"lake_version": "1"}, NOW)
        ReviewLog(transaction).open(ring_review())
        AccountStates(transaction).upsert([AccountState("A1", NOW)], NOW)
    return full_service


def test_every_route_stands_in_one_of_the_tables(database: Database, policy: Policy) -> None:
    settings = Settings(session_secret=SecretStr("a-test-secret-of-40-characters-123456789"))
    served = set(routes_of(create_app(settings, database, policy)))
    listed = {*ENDPOINTS, *(("GET", path) for path in PAGES), *OPEN}
    assert served == listed


@pytest.mark.parametrize("route", ENDPOINTS, ids=" ".join)
def test_an_endpoint_is_open_to_its_roles_only(known: Running, route: tuple[str, str]) -> None:
    roles, path, sent = ENDPOINTS[route]
    for role in Role:
        headers = {"Idempotency-Key": f"k-{role}"}
        status = known.as_role(role).request(route[0], path, headers=headers, **sent).status_code
        assert (status in ANSWERS) if role.value in roles else (status == 403), (role, status)


@pytest.mark.parametrize("route", ENDPOINTS, ids=" ".join)
def test_an_endpoint_is_closed_without_a_key_in_force(known: Running, route: tuple[str, str]) -> None:
    _, path, sent = ENDPOINTS[route]
    known.as_role(Role.APPROVER)
    key = known.keys[Role.APPROVER]
    with known.database.transaction() as transaction:
        revoked = ApiKeys(transaction).create(Role.APPROVER, "", NOW)
        ApiKeys(transaction).revoke((parts_of_key(revoked) or ("",))[0], NOW)
        expired = ApiKeys(transaction).create(Role.APPROVER, "", NOW, expires_at=NOW)
    session = dict(known.signed_in().cookies)
    for header in (None, "Bearer", f"Bearer {key}0", f"Bearer {revoked}", f"Bearer {expired}", f"Basic {key}"):
        client = known.client(**({"Authorization": header} if header else {}))
        client.cookies.update(session)
        answer = client.request(route[0], path, headers={"Idempotency-Key": "k"}, **sent)
        assert answer.status_code == 401, header


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_open_to_reviewers_who_are_signed_in(known: Running, path: str) -> None:
    asked = PAGES[path]

    def status(browser: httpx.Client) -> int:
        browser.follow_redirects = False
        return browser.get(asked).status_code

    browser = known.signed_in()
    assert status(browser) == 200
    with known.database.transaction() as transaction:
        Users(transaction).disable("ria", NOW)
    assert status(browser) == 303
    assert status(known.browser()) == 303
    key = known.as_role(Role.REVIEWER)
    assert status(key) == 303


@pytest.mark.parametrize("role", [role for role in Role if role.value not in READS_REVIEWS])
def test_no_page_is_open_to_other_roles(known: Running, role: Role) -> None:
    browser = known.browser()
    with known.database.transaction() as transaction:
        Users(transaction).add("sam", FAST_PASSWORDS.hash(PASSWORD), role, NOW)
    browser.post("/login", data={"form_token": form_token(browser), "name": "sam", "password": PASSWORD})
    assert {browser.get(path).status_code for path in PAGES.values()} == {403}
