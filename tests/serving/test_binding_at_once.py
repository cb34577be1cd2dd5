"""What an import tells binds at the next decision, of every account, without any scoring."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from deltalake import write_deltalake
from sqlalchemy import delete

from features.activity.importing import Import
from features.activity.lake import MANIFEST
from features.home import Home
from features.kernel.progress import silent
from serving.decisions.request import ACTION_TYPES, MONEY_OUT, DecisionRequest
from serving.decisions.service import DecisionResponse, Incoming, answer_all
from serving.intake.service import Difference, Recorded, Recording, compare_with_lake, record_what_binds, repair
from serving.record.known import TABLES, Record
from serving.storage import Database
from serving.storage.database import StorageUnavailable
from tests.serving.policy.fields import POLICY

NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Exchange:
    """A home into which exports are imported, and whose accounts ask for decisions."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.home, self.database, self.now = Home(folder), database, NOW
        self.exports = 0

    def imports(self, tables: Mapping[str, dict[str, Any]], is_trusted: bool = False) -> Recorded:
        """Imports rows, one a table, and tells the record; time passes by a minute."""
        self.exports += 1
        folder = self.home.folder / f"export-{self.exports}"
        folder.mkdir(parents=True)
        for name, row in tables.items():
            pd.DataFrame([row]).to_parquet(folder / f"{name}.parquet")
        recording = Recording(self.home.lake, self.database, self.now, is_trusted=is_trusted)
        importing = Import(self.home.lake, self.home.quarantine, self.now, silent, before_pinning=recording)
        done = importing.folder(folder)
        assert not any(report.quarantined for report in done.tables.values()), done.tables
        self.now += timedelta(minutes=1)
        return recording.done

    def answer(self, action: str = "withdrawal", account: str = "A", **request: Any) -> dict[str, Any]:
        """The answer to a request made now."""
        asked = DecisionRequest(account, action, self.now, amount_usd=Decimal(10), **request)
        key = f"{action}-{account}-{self.now.isoformat()}-{sorted(request.items())}"
        (result,) = answer_all(self.database, POLICY, [Incoming(asked, "client", key, f"dec-{key}", self.now)])
        assert isinstance(result, DecisionResponse)
        answer: dict[str, Any] = orjson.loads(result.body)
        return answer

    def outcome(self, action: str = "withdrawal", account: str = "A", **request: Any) -> str:
        """Its outcome."""
        return str(self.answer(action, account, **request)["outcome"])


ACCOUNT = {
    "account_id": "A",
    "created_at": NOW - 90 * DAY,
    "kind": "retail",
    "owner_id": "owner-1",
    "country": "DE",
    "market_maker": False,
}


@pytest.fixture
def exchange(tmp_path: Path, database: Database) -> Exchange:
    """An exchange with one account, which nobody has ever scored."""
    exchange = Exchange(tmp_path / "exchange", database)
    exchange.imports({"accounts": ACCOUNT})
    return exchange


def order(scope: str, **changes: Any) -> dict[str, Any]:
    return {
        "legal_order_id": "lo-1",
        "account_id": "A",
        "ts": NOW - HOUR,
        "authority": "court",
        "scope": scope,
        "expires_at": NOW + 20 * DAY,
    } | changes


def entry(kind: str, value: str, list_: str = "sanctions", **changes: Any) -> dict[str, Any]:
    return {"list": list_, "kind": kind, "value": value, "source": "ofac", "effective_from": NOW - DAY} | changes


def event(name: str, **changes: Any) -> dict[str, Any]:
    return {"event_id": f"e-{name}", "account_id": "A", "ts": NOW - HOUR, "event": name} | changes


LISTED = "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B"
FACTS: dict[str, tuple[dict[str, dict[str, Any]], dict[str, str]]] = {
    "nothing": ({}, {}),
    "an order that freezes": (
        {"legal_orders": order("freeze")},
        dict.fromkeys(set(ACTION_TYPES) - {"login", "deposit"}, "block"),
    ),
    "an order on withdrawals": (
        {"legal_orders": order("withdrawals")},
        dict.fromkeys(("withdrawal", "transfer", "account"), "hold"),
    ),
    "an address on a list, written otherwise": (
        {"watchlist": entry("address", LISTED.lower())},
        dict.fromkeys(ACTION_TYPES, "block"),
    ),
    "an owner on a list": (
        {"watchlist": entry("owner", "owner-1")},
        dict.fromkeys(set(ACTION_TYPES) - {"login"}, "block"),
    ),
    "an account on a list": (
        {"watchlist": entry("account", "A")},
        dict.fromkeys(set(ACTION_TYPES) - {"login"}, "block"),
    ),
    "a changed password": ({"security_events": event("password_change")}, dict.fromkeys(MONEY_OUT, "hold")),
    "a new address": (
        {"security_events": event("withdrawal_address_added", address=LISTED)},
        dict.fromkeys(MONEY_OUT, "hold"),
    ),
    "a hold imposed elsewhere": (
        {
            "enforcements": {
                "event_id": "m-1",
                "account_id": "A",
                "ts": NOW - HOUR,
                "measure": "withdrawal_hold",
                "state": "in_force",
                "clause": "6",
                "ends_at": NOW + DAY,
            }
        },
        dict.fromkeys(MONEY_OUT, "hold"),
    ),
}
NEVER_SCORED = dict.fromkeys(ACTION_TYPES, "monitor") | dict.fromkeys(MONEY_OUT, "step_up")


@pytest.mark.parametrize("fact", FACTS)
def test_the_next_decision_knows_what_was_imported(exchange: Exchange, fact: str) -> None:
    rows, expected = FACTS[fact]
    assert {action: exchange.outcome(action, address=LISTED) for action in ACTION_TYPES} == NEVER_SCORED
    if rows:
        exchange.imports(rows)
    after = {action: exchange.outcome(action, address=LISTED) for action in ACTION_TYPES}
    assert after == NEVER_SCORED | expected


def test_an_account_that_nobody_knows_meets_every_list(exchange: Exchange) -> None:
    exchange.imports({"watchlist": entry("address", LISTED)})
    assert exchange.outcome(account="nobody", address=LISTED) == "block"
    exchange.imports({"watchlist": entry("account", "nobody")})
    assert exchange.outcome(account="nobody", address="0x1") == "block"


def test_a_home_whose_record_was_never_written_lets_no_money_out(tmp_path: Path, database: Database) -> None:
    exchange = Exchange(tmp_path / "exchange", database)
    assert exchange.outcome() == "hold"
    record_what_binds(exchange.home.lake, database, NOW)
    assert exchange.outcome(address="0x1") == "step_up"


ENDS: dict[str, tuple[dict[str, dict[str, Any]], Callable[[], dict[str, dict[str, Any]]]]] = {
    "an order lifted": (
        {"legal_orders": order("freeze")},
        lambda: {"legal_orders": order("freeze", lifted_at=NOW - timedelta(minutes=1))},
    ),
    "an order that expires earlier": (
        {"legal_orders": order("freeze")},
        lambda: {"legal_orders": order("freeze", expires_at=NOW - timedelta(minutes=1))},
    ),
    "an entry ended": (
        {"watchlist": entry("address", LISTED)},
        lambda: {"watchlist": entry("address", LISTED, effective_to=NOW - timedelta(minutes=1))},
    ),
    "a hold lifted": (
        FACTS["a hold imposed elsewhere"][0],
        lambda: {
            "enforcements": FACTS["a hold imposed elsewhere"][0]["enforcements"]
            | {"event_id": "m-2", "ts": NOW - timedelta(minutes=5), "state": "lifted"}
        },
    ),
}


@pytest.mark.parametrize("is_trusted", [False, True])
@pytest.mark.parametrize("end", ENDS)
def test_a_row_that_ends_a_restriction_binds_only_from_a_trusted_source(
    exchange: Exchange, end: str, is_trusted: bool
) -> None:
    restricting, ending = ENDS[end]
    exchange.imports(restricting)
    restricted = exchange.outcome(address=LISTED)
    assert restricted in ("hold", "block")
    rows = {name: {"ingested_at": exchange.now, **row} for name, row in ending().items()}
    recorded = exchange.imports(rows, is_trusted)
    assert exchange.outcome(address=LISTED) == ("step_up" if is_trusted else restricted)
    assert bool(recorded.waiting) is not is_trusted
    exchange.imports({"security_events": event("failed_login")}, is_trusted=True)
    with exchange.database.reading() as transaction:
        assert bool(Record(transaction).waiting()) is not is_trusted, "what waits is not applied by another import"


def test_an_order_of_another_scope_binds_beside_the_first(exchange: Exchange) -> None:
    exchange.imports({"legal_orders": order("freeze")})
    exchange.imports({"legal_orders": order("trading", ingested_at=exchange.now)})
    assert exchange.outcome(address="0x1") == "block"
    assert exchange.outcome("order") == "block"


def a_session(device: str, country: str = "DE") -> dict[str, Any]:
    login = {"session_id": f"s-{device}", "account_id": "A", "ts": NOW - DAY, "event": "login", "ip": "192.0.2.1"}
    place = {"asn_type": "residential", "ip_country": country, "vpn": False, "headless": False}
    return login | place | {"device_id": device}


@pytest.mark.parametrize(
    ("device", "is_new"), [("phone-1", False), ("phone-2", True), ("unknown", True), (None, False)]
)
def test_a_device_that_the_account_never_used_needs_confirming(
    exchange: Exchange, device: str | None, is_new: bool
) -> None:
    assert "new-device-money-out" not in rules_of(exchange.answer(address="0x1", device_id="phone-1"))
    exchange.imports({"sessions": a_session("phone-1")})
    assert ("new-device-money-out" in rules_of(exchange.answer(address="0x1", device_id=device))) is is_new


@pytest.mark.parametrize(("named", "outcome"), [("IR", "block"), ("ir", "block"), ("DE", "monitor"), (None, "monitor")])
def test_the_country_that_a_request_names_counts(exchange: Exchange, named: str | None, outcome: str) -> None:
    exchange.imports({"sessions": a_session("phone-1"), "watchlist": entry("country", "IR", "prohibited_country")})
    assert exchange.outcome("order", product="spot", ip_country=named) == outcome


def rules_of(answer: dict[str, Any]) -> list[str]:
    return [rule["rule_id"] for rule in answer["rules"]]


def test_an_order_lapses_by_the_clock_although_nobody_did_anything(exchange: Exchange) -> None:
    exchange.imports({"legal_orders": order("freeze", expires_at=NOW + HOUR)})
    exchange.now = NOW + HOUR - timedelta(microseconds=1)
    assert exchange.outcome(address="0x1") == "block"
    exchange.now = NOW + HOUR
    assert exchange.outcome(address="0x1") == "step_up"


def test_a_crash_before_the_lake_shows_an_import_leaves_its_restrictions_in_force(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(place: str, *rows: Any, **options: Any) -> None:
        if place.endswith(MANIFEST):
            raise RuntimeError("killed")
        write_deltalake(place, *rows, **options)

    with monkeypatch.context() as patched:
        patched.setattr("features.activity.lake.write_deltalake", write)
        with pytest.raises(RuntimeError, match="killed"):
            exchange.imports({"legal_orders": order("freeze")})
    assert exchange.outcome(address="0x1") == "block"
    assert compare_with_lake(exchange.home.lake, exchange.database)["legal_orders"] == Difference(0, 1, 0)
    assert exchange.imports({"legal_orders": order("freeze")}).waiting == {}
    assert compare_with_lake(exchange.home.lake, exchange.database)["legal_orders"].missing == 0


def test_a_database_that_cannot_be_written_stops_the_import_before_the_lake_shows_it(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise StorageUnavailable("gone")

    version = exchange.home.lake.version
    with monkeypatch.context() as patched:
        patched.setattr(Record, "add", refuse)
        with pytest.raises(StorageUnavailable):
            exchange.imports({"legal_orders": order("freeze")})
    assert exchange.home.lake.version == version
    exchange.imports({"legal_orders": order("freeze")})
    assert exchange.outcome(address="0x1") == "block"


def test_what_is_told_twice_is_written_once(exchange: Exchange) -> None:
    exchange.imports({"legal_orders": order("freeze")})
    assert record_what_binds(exchange.home.lake, exchange.database, exchange.now) == Recorded()
    assert exchange.imports({"legal_orders": order("freeze")}).added == {}


def test_what_the_record_lost_is_found_and_written_again(exchange: Exchange) -> None:
    exchange.imports({"legal_orders": order("freeze"), "watchlist": entry("address", LISTED)})
    whole = compare_with_lake(exchange.home.lake, exchange.database)
    assert not any(difference.missing or difference.beyond for difference in whole.values())
    with exchange.database.transaction() as transaction:
        transaction.connection.execute(delete(TABLES["legal_orders"]))
    assert exchange.outcome(address="0x1") == "step_up"
    assert compare_with_lake(exchange.home.lake, exchange.database)["legal_orders"] == Difference(1, 0, 0)
    repair(exchange.home.lake, exchange.database, exchange.now)
    assert compare_with_lake(exchange.home.lake, exchange.database) == whole
    exchange.now += timedelta(minutes=1)
    assert exchange.outcome(address="0x1") == "block"
