"""Every id that imports can be asked for wherever a path holds one, and no moment makes the service fail."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from features.activity.identifiers import is_id, is_stand_in
from serving.people.model import Role
from serving.record.model import AccountState
from serving.record.service import RECORDED
from serving.record.store import AccountStates
from serving.reviews.store import ReviewLog
from serving.storage.service_state import ServiceState
from tests.serving.cases import NOW, plain_review
from tests.serving.conftest import Running

IDS = ["A1", "desk/7", "/", "a//b/", "x/scores", "a b", "?q#f", "%2F", "ÅÄÖ", "名前", "a;b,c", "...", "x" * 256]
PATHS: dict[str, Callable[[str], str]] = {
    "/v1/accounts/{account_id}/scores": lambda name: f"/v1/accounts/{name}/scores",
    "/v1/accounts/{account_id}/restrictions": lambda name: f"/v1/accounts/{name}/restrictions",
    "/v1/accounts/{account_id}": lambda name: f"/v1/accounts/{name}",
    "/v1/reviews/{review_id}": lambda name: f"/v1/reviews/{name}",
}
NAMES_NO_ROW = {"/v1/lists/{list_name}", "/v1/changes/{change_id}/approve", "/v1/changes/{change_id}/refuse"}
"""Their parameter is a word or an id of our own."""
DECLARED = {"/v1/lists/{list_name}/{kind}/{value}", "/v1/legal-orders/{legal_order_id}/lift"}
ANOTHER_ENDPOINT = {"/v1/accounts/{account_id}": {"x/scores"}}
"""Ids that end like the path of another endpoint of the account, which answers then."""
EDGES = [
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+14:00",
]
FORGED = ["9999-12-31T23:59:59.999999Z", "9999-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "1899-12-31T23:59:59Z"]


@pytest.fixture
def known(service: Running) -> Running:
    """A service that knows an account and a review of every id."""
    with service.database.transaction() as transaction:
        AccountStates(transaction).upsert([AccountState(name, NOW) for name in IDS], NOW)
        for name in IDS:
            assert ReviewLog(transaction).open(plain_review(name))
    return service


def test_every_path_that_holds_an_id_is_tried(service: Running) -> None:
    paths = service.as_role(Role.ADMIN).get("/openapi.json").json()["paths"]
    assert {path for path in paths if "{" in path} - NAMES_NO_ROW - DECLARED == PATHS.keys()


@pytest.mark.parametrize("path", PATHS)
def test_what_imports_as_an_id_can_be_asked_for(known: Running, path: str) -> None:
    client = known.as_role(Role.AUDITOR)
    assert all(map(is_id, IDS))
    tried = [name for name in IDS if name not in ANOTHER_ENDPOINT.get(path, ())]
    answers = {name: client.get(PATHS[path](quote(name, safe=""))) for name in tried}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(tried, 200)
    assert all(
        name in (answer.json().get("account_id"), answer.json().get("review_id")) for name, answer in answers.items()
    )


def test_what_imports_as_an_id_can_be_declared(known: Running) -> None:
    with known.database.transaction() as transaction:
        ServiceState(transaction).put(RECORDED, {"lake_version": "1"}, NOW)
    client = known.as_role(Role.APPROVER)
    for number, name in enumerate(IDS):
        written = quote(name, safe="")
        entry = client.put(f"/v1/lists/mixer/account/{written}", json={"source": "s", "reason": "r"})
        if is_stand_in(name):
            assert entry.status_code == 400, name
        else:
            assert entry.json()["entries"][0]["value"] == name
        order = {"legal_order_id": name, "account_id": f"A{number}", "authority": "a court", "scope": "freeze"}
        assert client.post("/v1/legal-orders", json=order).status_code == 201, name
        lift = client.post(f"/v1/legal-orders/{written}/lift", json={"reason": "r"})
        assert (lift.status_code, lift.json()["legal_orders"][0]["legal_order_id"]) == (202, name)


def test_a_page_is_there_for_every_id_of_a_review(known: Running) -> None:
    browser = known.signed_in()
    answers = {name: browser.get(f"/reviews/{quote(name, safe='')}").status_code for name in IDS}
    assert answers == dict.fromkeys(IDS, 200)


def test_what_imports_as_an_id_can_be_decided_about(known: Running) -> None:
    client = known.as_role(Role.RISK_SYSTEM)
    action = {"type": "login", "occurred_at": "2025-05-31T14:19:00Z"}
    for number, name in enumerate(IDS):
        body = {"account_id": name, "action": action}
        answer = client.post("/v1/decisions", json=body, headers={"Idempotency-Key": f"k{number}"})
        assert (answer.status_code, answer.json().get("account_id")) == (200, name)


@pytest.mark.parametrize("moment", EDGES)
@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_a_moment_at_the_edge_of_the_calendar_is_the_callers_fault(service: Running, moment: str, dry_run: str) -> None:
    body = {"account_id": "A1", "action": {"type": "login", "occurred_at": moment}}
    client = service.as_role(Role.RISK_SYSTEM)
    answer = client.post("/v1/decisions", json=body, headers={"Idempotency-Key": "k"}, params={"dry_run": dry_run})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].endswith("/occurred_at")


@pytest.mark.parametrize("moment", FORGED)
def test_whatever_moment_a_request_claims_it_is_decided_and_says_so(service: Running, moment: str) -> None:
    body = {"account_id": "A1", "action": {"type": "withdrawal", "occurred_at": moment, "amount_usd": "10"}}
    client = service.as_role(Role.RISK_SYSTEM)
    answers = [
        client.post("/v1/decisions", json=body, headers={"Idempotency-Key": "k"}, params={"dry_run": dry_run})
        for dry_run in ("true", "false", "false")
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[1].json() == answers[2].json()
    assert "request_clock" in [entry["component"] for entry in answers[2].json()["degraded"]]


def test_no_other_endpoint_takes_a_moment(service: Running) -> None:
    document = service.as_role(Role.ADMIN).get("/openapi.json").json()
    named = [
        (path, parameter["name"])
        for path, methods in document["paths"].items()
        for method in methods.values()
        for parameter in method.get("parameters", [])
        if "date-time" in str(parameter["schema"])
    ]
    assert named == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("moment", EDGES)
def test_a_moment_where_an_id_is_wanted_is_an_id_nobody_has(service: Running, path: str, moment: str) -> None:
    answer = service.as_role(Role.AUDITOR).get(PATHS[path](quote(moment, safe="")))
    assert answer.status_code == (200 if path.endswith("/restrictions") else 404)
