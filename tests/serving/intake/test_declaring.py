"""What people declare binds at the next decision; what ends a restriction waits for another person."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from serving.people.model import Role
from serving.people.store import ApiKeys
from serving.record.service import RECORDED
from serving.storage.service_state import ServiceState
from tests.serving.cases import NOW
from tests.serving.conftest import Running

ADDRESS = "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B"
ENTRY = f"/v1/lists/sanctions/address/{ADDRESS}"
WHY = {"source": "ofac", "reason": "designated today"}
ORDER = {"legal_order_id": "o-1", "account_id": "A", "authority": "a court", "scope": "freeze"}


class Desk:
    """A service whose accounts were never scored, two approvers, and a risk system that asks."""

    def __init__(self, service: Running) -> None:
        self.service, self.asked = service, 0
        with service.database.transaction() as transaction:
            ServiceState(transaction).put(RECORDED, {"lake_version": "1"}, NOW)
        self.ann, self.ben = self.approver("ann"), self.approver("ben")

    def approver(self, client: str) -> httpx.Client:
        """Somebody with the role approver."""
        with self.service.database.transaction() as transaction:
            key = ApiKeys(transaction).create(Role.APPROVER, "", NOW, client=client)
        return self.service.client(Authorization=f"Bearer {key}")

    def outcome(self, action: str = "withdrawal", account: str = "A", address: str = ADDRESS.lower()) -> str:
        """What a request gets now."""
        self.asked += 1
        named: dict[str, Any] = {"type": action, "occurred_at": self.service.clock().isoformat()}
        named |= {"amount_usd": "10", "address": address} if action == "withdrawal" else {"product": "spot"}
        risk_system = self.service.as_role(Role.RISK_SYSTEM)
        headers = {"Idempotency-Key": f"k-{self.asked}"}
        answer = risk_system.post("/v1/decisions", json={"account_id": account, "action": named}, headers=headers)
        return str(answer.json()["outcome"])


@pytest.fixture
def desk(full_service: Running) -> Desk:
    """The desk of a service with the shipped rules."""
    return Desk(full_service)


def test_an_entry_binds_at_the_next_decision_however_it_is_written(desk: Desk) -> None:
    assert desk.outcome() == "step_up"
    answer = desk.ann.put(ENTRY, json=WHY)
    assert (answer.status_code, answer.json()["state"]) == (200, "in_force")
    assert desk.outcome() == "block"
    assert desk.outcome(account="another, never seen") == "block"
    assert desk.outcome(address="0x1") == "step_up"
    entries = desk.service.as_role(Role.AUDITOR).get("/v1/lists/sanctions").json()["entries"]
    assert [(entry["kind"], entry["value"], entry["source"]) for entry in entries] == [
        ("address", ADDRESS.lower(), "ofac")
    ]


def test_an_order_binds_at_the_next_decision(desk: Desk) -> None:
    answer = desk.ann.post("/v1/legal-orders", json=ORDER)
    assert (answer.status_code, answer.json()["state"]) == (201, "in_force")
    assert (desk.outcome(), desk.outcome("order")) == ("block", "block")
    again = desk.ann.post("/v1/legal-orders", json=ORDER | {"ts": answer.json()["legal_orders"][0]["ts"]})
    assert (again.status_code, again.json()["state"]) == (201, "in_force")


def remove_the_entry(by: httpx.Client) -> httpx.Response:
    return by.delete(ENTRY, params=WHY)


def shorten_the_entry(by: httpx.Client) -> httpx.Response:
    return by.put(ENTRY, json=WHY | {"effective_to": (NOW + timedelta(seconds=1)).isoformat()})


def lift_the_order(by: httpx.Client) -> httpx.Response:
    return by.post("/v1/legal-orders/o-1/lift", json={"reason": "the court said so"})


def shorten_the_order(by: httpx.Client) -> httpx.Response:
    return by.post(
        "/v1/legal-orders", json=ORDER | {"ts": NOW.isoformat(), "expires_at": (NOW + timedelta(1)).isoformat()}
    )


EASING: list[Callable[[httpx.Client], httpx.Response]] = [
    remove_the_entry,
    shorten_the_entry,
    lift_the_order,
    shorten_the_order,
]


@pytest.mark.parametrize("ease", EASING)
def test_what_ends_a_restriction_binds_only_after_another_person(
    desk: Desk, ease: Callable[[httpx.Client], httpx.Response]
) -> None:
    desk.ann.put(ENTRY, json=WHY)
    desk.ann.post("/v1/legal-orders", json=ORDER | {"ts": NOW.isoformat()})
    answer = ease(desk.ann)
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "awaiting_approval"
    change = answer.json()["change_id"]
    desk.service.clock.move(timedelta(days=2))
    account = "A" if "order" in ease.__name__ else "another"
    assert desk.outcome(account=account, address=ADDRESS if account == "another" else "0x1") == "block"
    assert desk.ann.post(f"/v1/changes/{change}/approve").status_code == 403
    assert desk.outcome(account=account, address=ADDRESS if account == "another" else "0x1") == "block"
    waiting = desk.ben.get("/v1/changes").json()["changes"]
    assert [(one["change_id"], one["proposed_by"]) for one in waiting] == [(change, "ann")]
    assert desk.ben.post(f"/v1/changes/{change}/approve", json={"reason": "seen"}).json()["state"] == "approved"
    assert desk.outcome(account=account, address=ADDRESS if account == "another" else "0x1") == "step_up"
    assert desk.ben.post(f"/v1/changes/{change}/refuse").status_code == 409
    assert desk.ben.get("/v1/changes").json() == {"changes": []}


def test_what_shortens_one_scope_of_an_order_leaves_the_other(desk: Desk) -> None:
    desk.ann.post("/v1/legal-orders", json=ORDER | {"ts": NOW.isoformat()})
    trading = ORDER | {"ts": NOW.isoformat(), "scope": "trading"}
    assert desk.ann.post("/v1/legal-orders", json=trading).json()["state"] == "in_force"
    until = (NOW + timedelta(hours=1)).isoformat()
    change = desk.ann.post("/v1/legal-orders", json=trading | {"expires_at": until}).json()["change_id"]
    desk.ben.post(f"/v1/changes/{change}/approve")
    desk.service.clock.move(timedelta(days=1))
    assert desk.outcome() == "block"


def test_a_refused_change_never_binds(desk: Desk) -> None:
    desk.ann.put(ENTRY, json=WHY)
    change = remove_the_entry(desk.ann).json()["change_id"]
    assert desk.ben.post(f"/v1/changes/{change}/refuse", json={"reason": "no"}).json()["state"] == "refused"
    assert desk.outcome() == "block"
    assert desk.ben.post(f"/v1/changes/{change}/approve").status_code == 409


def test_what_was_changed_since_it_was_proposed_is_not_approved(desk: Desk) -> None:
    """The extension of an order would be ended with the order that somebody wanted lifted before it came."""
    until = {"ts": NOW.isoformat(), "expires_at": (NOW + timedelta(days=9)).isoformat()}
    desk.ann.post("/v1/legal-orders", json=ORDER | until)
    change = lift_the_order(desk.ann).json()["change_id"]
    desk.service.clock.move(timedelta(hours=1))
    desk.ann.post("/v1/legal-orders", json=ORDER | until | {"expires_at": None})
    refused = desk.ben.post(f"/v1/changes/{change}/approve")
    assert (refused.status_code, "was changed at" in refused.json()["detail"]) == (409, True)
    desk.service.clock.move(timedelta(days=30))
    assert desk.outcome() == "block"


def test_an_entry_of_another_list_ends_by_one_person_and_binds_again(desk: Desk) -> None:
    path = ENTRY.replace("sanctions", "mixer")
    desk.ann.put(path, json=WHY)
    assert desk.outcome() == "review"
    assert desk.ann.delete(path, params=WHY).json()["state"] == "in_force"
    assert desk.outcome() == "step_up"
    start = desk.ann.put(path, json=WHY).json()["entries"][0]["effective_from"]
    assert desk.outcome() == "review"
    desk.ann.delete(path, params=WHY)
    desk.ann.put(path, json=WHY | {"effective_from": start})
    assert desk.outcome() == "review"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("PUT", "/v1/lists/enemies/address/x", WHY, 400, "no list 'enemies'; choose one of sanctions"),
        ("PUT", "/v1/lists/sanctions/planet/x", WHY, 400, "no kind 'planet'; choose one of address"),
        ("PUT", "/v1/lists/sanctions/owner/unknown", WHY, 400, "names no owner"),
        ("PUT", ENTRY, {"reason": "r"}, 422, "source"),
        ("PUT", ENTRY, WHY | {"effective_to": "2020-01-01T00:00:00Z"}, 400, "not after its start"),
        ("PUT", ENTRY, WHY | {"effective_from": "2020-01-01"}, 422, "time zone"),
        ("GET", "/v1/lists/enemies", None, 400, "no list"),
        ("POST", "/v1/legal-orders", ORDER | {"scope": "all"}, 422, "scope"),
        ("POST", "/v1/legal-orders", ORDER | {"ts": 1748700000}, 422, "ISO 8601"),
        ("POST", "/v1/legal-orders", ORDER | {"expires_at": "1748700000"}, 422, "ISO 8601"),
        ("POST", "/v1/legal-orders", ORDER | {"expires_at": "2020-01-01T00:00:00Z"}, 400, "before it starts"),
        ("POST", "/v1/legal-orders/none/lift", {"reason": "r"}, 404, "no legal order 'none'"),
        ("POST", "/v1/changes/chg_none/approve", None, 404, "no change"),
    ],
)
def test_what_cannot_be_meant_is_refused(desk: Desk, method: str, path: str, body: Any, status: int, said: str) -> None:
    answer = desk.ann.request(method, path, json=body)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text


def test_a_record_that_was_never_written_takes_no_declaration(full_service: Running) -> None:
    with full_service.database.transaction() as transaction:
        key = ApiKeys(transaction).create(Role.APPROVER, "", NOW)
    answer = full_service.client(Authorization=f"Bearer {key}").put(ENTRY, json=WHY)
    assert (answer.status_code, "record verify --repair" in answer.json()["detail"]) == (409, True)
