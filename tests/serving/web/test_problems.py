"""Tests of errors over HTTP: who may call, and how every refusal looks."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from serving.people.keys import CACHE_SECONDS, OUTAGE_SECONDS, KeyRing
from serving.people.model import NotAuthenticated, Role, parts_of_key
from serving.people.store import ApiKeys
from serving.record.model import AccountState, Reason, Scores
from serving.record.service import RECORDED
from serving.record.store import AccountStates
from serving.reviews.lifecycle import Changes, EventKind, ReviewEvent
from serving.reviews.model import Finding, ReviewStatus
from serving.reviews.store import ReviewLog
from serving.scoring.store import LAST_RUN
from serving.storage import Database
from serving.storage.database import StorageUnavailable
from serving.storage.service_state import ServiceState
from tests.serving.cases import NOW, drawn_review, plain_review
from tests.serving.conftest import Hand, Running

MEMBERS = {"type", "title", "status", "detail", "instance", "request_id", "errors"}
ASKED = [("GET", "/v1/accounts/A1/scores"), ("GET", "/v1/reviews"), ("POST", "/v1/decisions"), ("GET", "/metrics")]


def check(answer: httpx.Response, status: int, instance: str) -> None:
    """The answer is a whole problem of that status."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == MEMBERS
    assert (problem["status"], problem["instance"]) == (status, instance)
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["detail"].endswith((".", ")"))


@pytest.mark.parametrize(("method", "path"), ASKED)
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer x", "Basic abc", "Bearer msk_0a1b_wrong", "Bearer msk__"]
)
def test_without_a_key_in_force_nothing_is_told(service: Running, method: str, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = service.client(**headers).request(method, path)
    check(answer, 401, path)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_the_right_id_with_another_secret_opens_nothing(service: Running) -> None:
    service.as_role(Role.ADMIN).get("/v1/reviews")
    parts = parts_of_key(service.keys[Role.ADMIN])
    assert parts is not None
    headers = {"Authorization": f"Bearer msk_{parts[0]}_{'0' * 64}"}
    check(service.client(**headers).get("/v1/reviews"), 401, "/v1/reviews")


def test_unknown_paths_and_methods_are_problems_too(service: Running) -> None:
    check(service.client().get("/v1/nothing"), 404, "/v1/nothing")
    check(service.browser().get("/v1/nothing"), 404, "/v1/nothing")
    answer = service.client().delete("/v1/reviews")
    check(answer, 405, "/v1/reviews")
    assert answer.headers["allow"] == "GET"


def test_what_does_not_exist_is_not_found(service: Running) -> None:
    admin = service.as_role(Role.ADMIN)
    check(admin.get("/v1/reviews/none"), 404, "/v1/reviews/none")
    check(admin.get("/v1/accounts/none/scores"), 404, "/v1/accounts/none/scores")


@pytest.mark.parametrize(
    "query",
    [
        "severity=huge",
        "status=lost",
        "order=size",
        "waiting=true&status=closed",
        "page_size=0",
        "page_size=x",
        "page_token=zzz",
    ],
)
def test_an_unusable_query_is_a_bad_request(service: Running, query: str) -> None:
    check(service.as_role(Role.ADMIN).get(f"/v1/reviews?{query}"), 400, "/v1/reviews")


def test_what_nobody_foresaw_tells_nothing_of_our_inside(service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the inside")

    admin = service.as_role(Role.ADMIN)
    monkeypatch.setattr("serving.reviews.store.ReviewLog.get", fail)
    answer = admin.get("/v1/reviews/x")
    check(answer, 500, "/v1/reviews/x")
    assert "inside" not in answer.text
    assert b"the inside" in service.log.getvalue()


def test_a_key_that_has_expired_opens_nothing(database: Database) -> None:
    hand = Hand()
    ring = KeyRing(database, lambda: 0.0, hand)
    with database.transaction() as transaction:
        text = ApiKeys(transaction).create(Role.ADMIN, "", NOW, expires_at=NOW + timedelta(days=1))
    assert asyncio.run(ring.principal_of(f"Bearer {text}")).client == "default"
    hand.move(timedelta(days=1))
    with pytest.raises(NotAuthenticated):
        asyncio.run(ring.principal_of(f"Bearer {text}"))


def test_keys_in_use_open_for_a_while_without_the_database(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [0.0]
    ring = KeyRing(database, lambda: seconds[0], Hand())
    with database.transaction() as transaction:
        used, unused, revoked = (ApiKeys(transaction).create(Role.ADMIN, "", NOW) for _ in range(3))
        ApiKeys(transaction).revoke((parts_of_key(revoked) or ("", ""))[0], NOW)
    assert asyncio.run(ring.principal_of(f"Bearer {used}")).role is Role.ADMIN
    with pytest.raises(NotAuthenticated):
        asyncio.run(ring.principal_of(f"Bearer {revoked}"))

    def gone(_: Database) -> None:
        raise StorageUnavailable("connection to server at 192.0.2.3 failed")

    monkeypatch.setattr(Database, "reading", gone)
    seconds[0] = OUTAGE_SECONDS - 1
    assert asyncio.run(ring.principal_of(f"Bearer {used}")).role is Role.ADMIN
    for key, error in ((f"{used}0", NotAuthenticated), (revoked, NotAuthenticated), (unused, StorageUnavailable)):
        with pytest.raises(error):
            asyncio.run(ring.principal_of(f"Bearer {key}"))
    seconds[0] = OUTAGE_SECONDS
    with pytest.raises(StorageUnavailable):
        asyncio.run(ring.principal_of(f"Bearer {used}"))


def test_a_database_that_is_gone_tells_callers_nothing_of_itself(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = service.as_role(Role.ADMIN)
    admin.get("/v1/reviews")

    def gone(_: Database) -> None:
        raise StorageUnavailable("connection to server at 192.0.2.3 failed for user mscore")

    monkeypatch.setattr(Database, "reading", gone)
    answer = admin.get("/v1/reviews")
    check(answer, 503, "/v1/reviews")
    assert "192.0.2.3" not in answer.text
    assert b"192.0.2.3" in service.log.getvalue()


def test_a_revoked_key_stops_opening(database: Database) -> None:
    seconds = [0.0]
    ring = KeyRing(database, lambda: seconds[0], Hand())
    with database.transaction() as transaction:
        text = ApiKeys(transaction).create(Role.ADMIN, "", NOW)
    header = f"Bearer {text}"
    assert asyncio.run(ring.principal_of(header)).role is Role.ADMIN
    with database.transaction() as transaction:
        ApiKeys(transaction).revoke((parts_of_key(text) or ("", ""))[0], NOW)
    seconds[0] = CACHE_SECONDS
    with pytest.raises(NotAuthenticated):
        asyncio.run(ring.principal_of(header))


def test_scores_are_given_with_reasons_and_versions(service: Running) -> None:
    state = AccountState(
        "A1", NOW, {"x": 1.0}, Scores(20.0, 0.4, {"spoofing": 0.2}, 640.0), score_reasons=(Reason("r", "Because."),)
    )
    with service.database.transaction() as transaction:
        AccountStates(transaction).upsert([state], NOW)
    body = service.as_role(Role.SCIENTIST).get("/v1/accounts/A1/scores").json()
    assert body["scores"] == {
        "anomaly_score": 20.0,
        "anomaly_p_value": 0.4,
        "violation_probability": {"spoofing": 0.2},
        "m_score": 640.0,
    }
    assert (body["as_of"], body["reasons"]) == ("2025-05-31T14:20:00.000000Z", [{"code": "r", "text": "Because."}])


def test_the_queue_is_given_in_pages(service: Running) -> None:
    with service.database.transaction() as transaction:
        for number in range(5):
            ReviewLog(transaction).open(plain_review(f"r{number}"))
    client = service.as_role(Role.REVIEWER)
    found, token = [], None
    while True:
        query = {"page_size": "2", "severity": "medium"} | ({"page_token": token} if token else {})
        body = client.get("/v1/reviews", params=query).json()
        found += [review["review_id"] for review in body["reviews"]]
        token = body["next_page_token"]
        if token is None:
            break
    assert found == [f"r{number}" for number in range(5)]
    token = client.get("/v1/reviews", params={"page_size": "2"}).json()["next_page_token"]
    refused = client.get("/v1/reviews", params={"page_size": "2", "page_token": token, "severity": "high"})
    check(refused, 400, "/v1/reviews")


def test_the_queue_can_be_asked_for_what_waits_by_priority(service: Running) -> None:
    with service.database.transaction() as transaction:
        for number, priority in enumerate((0.1, 0.3, 0.2)):
            ReviewLog(transaction).open(replace(plain_review(f"r{number}"), priority=priority))
        closed = Changes(status=ReviewStatus.CLOSED, finding=Finding.CLEARED)
        ReviewLog(transaction).record(ReviewEvent("r2", 2, EventKind.CLOSED, NOW, "ria", closed))
        ReviewLog(transaction).open(drawn_review("lot"))
    query = {"waiting": "true", "order": "priority", "drawn": "false"}
    found = service.as_role(Role.REVIEWER).get("/v1/reviews", params=query).json()["reviews"]
    assert [(review["review_id"], review["priority"]) for review in found] == [("r1", 0.3), ("r0", 0.1)]
    drawn = service.as_role(Role.REVIEWER).get("/v1/reviews", params={"drawn": "true"}).json()["reviews"]
    assert [review["review_id"] for review in drawn] == ["lot"]


def test_health_needs_no_key_and_documents_are_not_loaded_from_elsewhere(service: Running) -> None:
    assert service.client().get("/healthz").json() == {"status": "ok"}
    parts = {"database": "ok", "record": "never_written", "lake": "empty", "models": "none"}
    answer = service.client().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "not_ready", **parts})
    with service.database.transaction() as transaction:
        ServiceState(transaction).put(RECORDED, {"lake_version": "3"}, NOW)
        ServiceState(transaction).put(LAST_RUN, {"models": {"anomaly": "1"}}, NOW)
    ready = {"status": "ready"} | dict.fromkeys(parts, "ok")
    assert service.client().get("/readyz").json() == ready
    schema = service.client().get("/openapi.json").json()
    assert schema["components"]["schemas"]["Problem"]["required"]
    assert set(schema["paths"]) >= {"/v1/decisions", "/v1/reviews", "/v1/reviews/{review_id}"}
    assert "/login" not in schema["paths"]
    for path in ("/docs", "/redoc"):
        assert service.client().get(path).status_code == 404


def test_metrics_count_requests_by_route_and_the_log_holds_no_secret(service: Running) -> None:
    admin = service.as_role(Role.ADMIN)
    admin.get("/v1/reviews/none")
    text = admin.get("/metrics").text
    assert 'mscore_http_requests_total{method="GET",route="/v1/reviews/{review_id}",status="404"} 1.0' in text
    log = service.log.getvalue().decode()
    assert '"path":"/v1/reviews/none"' in log
    assert service.keys[Role.ADMIN] not in log
