"""Tests of POST /v1/decisions over HTTP."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.decisions.body import ActionBody, DecisionBody
from serving.decisions.request import ACTION_TYPES
from serving.decisions.store import DecisionLog, DecisionRecord
from serving.people.model import Role, parts_of_key
from serving.people.store import ApiKeys
from serving.record.model import AccountState, Scores
from serving.record.store import AccountStates
from serving.reviews.store import ReviewLog
from tests.serving.cases import NOW
from tests.serving.conftest import Running

ACTION = {"type": "withdrawal", "occurred_at": "2025-05-31T14:19:59.500000Z", "amount_usd": "100.50", "asset": "USDT"}
BODY = {"account_id": "A1", "action": ACTION}
OPTIONAL = {"review_id", "holder_message", "recorded"}
ANSWER = {
    "decision_id",
    "account_id",
    "outcome",
    "severity",
    "reasons",
    "rules",
    "scores",
    "measures",
    "as_of",
    "decided_at",
    "degraded",
    "versions",
}


def ask(client: httpx.Client, body: Any = BODY, key: str | None = "k1", **query: str) -> httpx.Response:
    """Send one request for a decision."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/v1/decisions", json=body, headers=headers, params=query)


@pytest.fixture
def client(service: Running) -> httpx.Client:
    """A risk system calling a service that knows account A1."""
    with service.database.transaction() as transaction:
        AccountStates(transaction).upsert([AccountState("A1", NOW, {}, Scores(20.0, 0.4, {}, 640.0))], NOW)
    return service.as_role(Role.RISK_SYSTEM)


def test_a_decision_has_the_keys_of_the_contract(client: httpx.Client) -> None:
    answer = ask(client)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) - OPTIONAL == ANSWER
    assert (body["account_id"], body["decided_at"]) == ("A1", "2025-05-31T14:20:00.000000Z")
    assert set(body["versions"]) == {"catalogue", "policy", "models"}


def test_the_same_key_and_body_give_the_stored_answer(client: httpx.Client) -> None:
    first = ask(client)
    spaced = {"action": dict(reversed(list(ACTION.items()))), "account_id": "A1"}
    assert ask(client, spaced).content == first.content
    assert ask(client, key="k2").json()["decision_id"] != first.json()["decision_id"]


def test_the_same_key_with_another_body_is_refused(client: httpx.Client) -> None:
    ask(client)
    refused = ask(client, {"account_id": "A2", "action": ACTION})
    assert refused.status_code == 422
    assert "another request" in refused.json()["detail"]


def test_amounts_written_otherwise_make_no_other_request(client: httpx.Client) -> None:
    first = ask(client)
    for amount in ("100.5", 100.5, "100.500", "1.005e2"):
        assert ask(client, BODY | {"action": ACTION | {"amount_usd": amount}}).content == first.content
    assert ask(client, BODY | {"action": ACTION | {"amount_usd": "100.51"}}).status_code == 422


def test_a_request_is_repeated_under_any_key_of_its_client(client: httpx.Client, service: Running) -> None:
    first = ask(client)
    with service.database.transaction() as transaction:
        rotated = ApiKeys(transaction).create(Role.RISK_SYSTEM, "rotated", NOW)
        of_another = ApiKeys(transaction).create(Role.RISK_SYSTEM, "", NOW, client="another")
        ApiKeys(transaction).revoke((parts_of_key(service.keys[Role.RISK_SYSTEM]) or ("",))[0], NOW)
    assert ask(service.client(Authorization=f"Bearer {rotated}")).content == first.content
    other = ask(service.client(Authorization=f"Bearer {of_another}"))
    assert other.json()["decision_id"] != first.json()["decision_id"]


def test_a_request_that_an_earlier_version_answered_is_known(client: httpx.Client, service: Running) -> None:
    """It hashed amounts as they were written."""
    asked = DecisionBody.model_validate(BODY).request()
    old = hashlib.sha256(orjson.dumps(asked.to_json(), option=orjson.OPT_SORT_KEYS)).hexdigest()
    record = DecisionRecord("dec-old", "A1", NOW, "default", "k1", old, asked.to_stored(), {"decision_id": "dec-old"})
    with service.database.transaction() as transaction:
        DecisionLog(transaction).append([record])
    assert ask(client).json() == {"decision_id": "dec-old", "recorded": True}


@pytest.mark.parametrize("key", [None, "", "x" * 256])
def test_a_missing_or_unusable_key_is_a_bad_request(client: httpx.Client, key: str | None) -> None:
    refused = ask(client, key=key)
    assert refused.status_code == 400
    assert "Idempotency-Key" in refused.json()["detail"]


def test_a_dry_run_gives_the_whole_answer_and_stores_nothing(client: httpx.Client, service: Running) -> None:
    large = {"account_id": "A1", "action": ACTION | {"amount_usd": 75_000}}
    shown = ask(client, large, key=None, dry_run="true").json()
    assert (set(shown) - OPTIONAL, shown["outcome"]) == (ANSWER, "review")
    assert ask(client, key="k1", dry_run="true").status_code == 200
    with service.database.reading() as transaction:
        assert ReviewLog(transaction).list().rows == ()
        assert ask(client).status_code == 200


def test_money_is_taken_as_number_or_string_and_given_as_string(client: httpx.Client) -> None:
    for number, amount in enumerate((60_000, 60_000.5, "60000.50")):
        body = {"account_id": "A1", "action": ACTION | {"amount_usd": amount}}
        rule = ask(client, body, key=f"m{number}").json()["rules"][0]
        assert isinstance(rule["values"]["request_amount_usd"], str)


def test_two_at_once_with_one_key_get_one_decision(client: httpx.Client, service: Running) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: ask(client, key=f"k{n % 4}"), range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 4


def wrong(**changes: Any) -> dict[str, Any]:
    """The usual body with other fields in its action."""
    return {"account_id": "A1", "action": ACTION | changes}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (wrong(type="teleport"), "/action/type"),
        (wrong(occurred_at="yesterday"), "/action/occurred_at"),
        (wrong(occurred_at="2025-05-31T14:19:59"), "/action/occurred_at"),
        (wrong(amount_usd=-1), "/action/amount_usd"),
        (wrong(amount_usd="a lot"), "/action/amount_usd"),
        (wrong(amount_usd=True), "/action/amount_usd"),
        (wrong(amount_usd="NaN"), "/action/amount_usd"),
        (wrong(amount_usd="1e300"), "/action/amount_usd"),
        (wrong(side="both"), "/action/side"),
        (wrong(address=""), "/action/address"),
        ({"action": ACTION}, "/account_id"),
        ({"account_id": "A1"}, "/action"),
        ({"account_id": "A\u0000", "action": ACTION}, "/account_id"),
        ([], ""),
    ],
)
def test_a_malformed_body_is_refused_with_a_pointer(client: httpx.Client, body: Any, pointer: str) -> None:
    refused = ask(client, body)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b'{"account_id": NaN}', b'{"account_id": "\\ud800"}'])
def test_what_is_no_json_is_refused(client: httpx.Client, raw: bytes) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    refused = client.post("/v1/decisions", content=raw, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["errors"]


def test_a_body_beyond_all_measure_is_refused(client: httpx.Client) -> None:
    refused = ask(client, wrong(address="x" * 100_000))
    assert refused.status_code == 413
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "moment", [0, 1748700000, 1748700000000, 1748700000.5, "1748700000", "2025-05-31", "20250531T120000Z"]
)
def test_a_moment_is_not_guessed(client: httpx.Client, moment: object) -> None:
    refused = ask(client, BODY | {"action": ACTION | {"occurred_at": moment}})
    assert (refused.status_code, "ISO 8601" in refused.json()["detail"]) == (422, True)


def test_the_action_types_are_those_of_the_decision() -> None:
    assert get_args(ActionBody.model_fields["type"].annotation) == ACTION_TYPES


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(sorted(ACTION)), part, max_size=4),
    max_leaves=8,
)


NEARLY = st.fixed_dictionaries(
    {
        "account_id": st.text(),
        "action": st.fixed_dictionaries(
            {"type": st.sampled_from(ACTION_TYPES), "occurred_at": JSON, "amount_usd": JSON}
        ),
    }
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON | NEARLY)
def test_no_body_makes_the_service_fail(client: httpx.Client, body: Any) -> None:
    assert ask(client, body, key=None, dry_run="true").status_code in (200, 422)
