"""What is known of an account now, over HTTP: who it is, what was found of it, what binds it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from serving.people.model import Role
from serving.record.known import TABLES
from serving.record.model import AccountState, Scores
from serving.record.service import RECORDED
from serving.record.store import AccountStates
from serving.storage.service_state import ServiceState
from tests.serving.cases import NOW
from tests.serving.conftest import Running

DAY = timedelta(days=1)
BINDS = {"waits": False, "known_until": None}
ROWS: dict[str, dict[str, Any]] = {
    "accounts": {"kind": "retail", "owner_id": "own-1", "country": "DE", "market_maker": False, **BINDS},
    "identifiers": {"kind": "owner", "value": "own-1"},
    "legal_orders": {"legal_order_id": "o-1", "scope": "trading", "authority": "a court", "ts": NOW - DAY, **BINDS},
    "credential_changes": {"event_id": "e-1", "ts": NOW - timedelta(hours=1)},
    "withdrawal_addresses": {"address": "addr-1", "ts": NOW - timedelta(hours=23)},
    "measures": {"event_id": "m-1", "measure": "observation", "state": "in_force", "ts": NOW - DAY, **BINDS},
}
ENTRY = {"list": "sanctions", "kind": "owner", "value": "own-1", "source": "s", "effective_from": NOW - DAY, **BINDS}


@pytest.fixture
def known(full_service: Running) -> Running:
    """A service that knows an account by every table of the record, and its scores."""
    with full_service.database.transaction() as transaction:
        ServiceState(transaction).put(RECORDED, {"lake_version": "1"}, NOW)
        state = AccountState("A1", NOW, {"kyc_level": 2.0}, Scores(m_score=500.0))
        AccountStates(transaction).upsert([state], NOW)
        for subject, row in ROWS.items():
            written = {"row_key": subject, "known_from": NOW, "account_id": "A1", **row}
            transaction.connection.execute(insert(TABLES[subject]), written)
        transaction.connection.execute(insert(TABLES["watchlist"]), {"row_key": "w", "known_from": NOW, **ENTRY})
    return full_service


def measures(document: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((measure["measure"], measure["scope"]) for measure in document["measures"])


def test_the_record_says_who_it_is_and_what_binds_it(known: Running) -> None:
    account = known.as_role(Role.REVIEWER).get("/v1/accounts/A1").json()
    told = ("kind", "country", "market_maker", "kyc_level", "as_of")
    assert [account[name] for name in told] == ["retail", "DE", False, 2, "2025-05-31T14:20:00.000000Z"]
    assert [order["legal_order_id"] for order in account["legal_orders"]] == ["o-1"]
    assert [(entry["list"], entry["kind"]) for entry in account["lists"]] == [("sanctions", "owner")]
    held = [("observation", "account"), ("withdrawal_hold", "account"), ("withdrawal_hold", "addr-1")]
    assert measures(account) == held
    restrictions = known.as_role(Role.RISK_SYSTEM).get("/v1/accounts/A1/restrictions").json()
    assert restrictions["legal_orders"] == account["legal_orders"]
    assert measures(restrictions) == held
    assert measures(known.as_role(Role.AUDITOR).get("/v1/measures?account_id=A1").json()) == held


def test_what_is_over_by_the_clock_is_not_told(known: Running) -> None:
    client = known.as_role(Role.REVIEWER)
    known.clock.move(timedelta(hours=1))
    assert measures(client.get("/v1/accounts/A1").json()) == [
        ("observation", "account"),
        ("withdrawal_hold", "account"),
    ]
    known.clock.move(timedelta(hours=22))
    assert measures(client.get("/v1/accounts/A1").json()) == [("observation", "account")]


def test_an_account_of_which_nothing_is_known_is_not_found(known: Running) -> None:
    assert known.as_role(Role.REVIEWER).get("/v1/accounts/none").status_code == 404
    assert known.as_role(Role.REVIEWER).get("/v1/accounts/none/restrictions").json()["measures"] == []
