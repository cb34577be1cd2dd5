"""No query of a decision, of the queue or of a sign-in goes through a table that grows."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from serving.decisions.request import DecisionRequest
from serving.decisions.service import Incoming, answer_all
from serving.people.model import Role
from serving.people.store import ApiKeys, Users
from serving.record.known import TABLES
from serving.record.service import RECORDED
from serving.reviews.store import QueueOrder, ReviewFilter, ReviewLog
from serving.storage import Database
from serving.storage.service_state import ServiceState
from tests.serving.cases import NOW, plain_review, ring_review
from tests.serving.policy.fields import POLICY

GROWING = {"decisions", "reviews", "review_accounts", "review_events", "sessions", "page_views", "account_state"}
GROWING |= {table.name for table in TABLES.values()}


@pytest.fixture
def statements() -> Iterator[list[tuple[str, Any]]]:
    """What is sent to the database, with its parameters."""
    sent: list[tuple[str, Any]] = []

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if not many and statement.lstrip().split()[0] in ("SELECT", "UPDATE", "DELETE"):
            sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", record)
    yield sent
    event.remove(Engine, "before_cursor_execute", record)


def scans(database: Database, statements: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    """The steps of their plans that go through a whole table that grows, each with its statement."""
    found = []
    with database.reading() as transaction:
        for statement, parameters in list(statements):
            plan = transaction.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [str(row[3]) for row in plan]
            whole = [s for s in steps if s.startswith("SCAN") and "USING" not in s and s.split()[1] in GROWING]
            found += [(step, statement) for step in whole]
    return found


def test_a_decision_finds_everything_by_index(database: Database, statements: list[tuple[str, Any]]) -> None:
    with database.transaction() as transaction:
        ServiceState(transaction).put(RECORDED, {"lake_version": "1"}, NOW)
        ReviewLog(transaction).open(ring_review())
    asked = [
        Incoming(
            DecisionRequest(account, "withdrawal", NOW, amount_usd=Decimal(10), address="addr-1"),
            client, f"k-{account}", f"dec-{client}-{account}", NOW,
        )
        for client in ("one", "two") for account in (*ring_review().accounts, "A1")
    ]  # fmt: skip
    answer_all(database, POLICY, asked)
    tables = {name for name in GROWING for statement, _ in statements if f"FROM {name}" in statement}
    assert {"decisions", "account_state", "record_watchlist", "record_identifiers"} <= tables
    assert scans(database, statements) == []


def test_the_queue_reads_its_page_in_order(database: Database, statements: list[tuple[str, Any]]) -> None:
    with database.transaction() as transaction:
        for number in range(30):
            ReviewLog(transaction).open(plain_review(f"rev_{number}"))
    statements.clear()
    with database.reading() as transaction:
        for order in QueueOrder:
            first = ReviewLog(transaction).list(ReviewFilter(order=order, waiting=True), 10)
            ReviewLog(transaction).list(ReviewFilter(order=order, waiting=True), 10, first.next_page_token)
    assert len(statements) >= 2 * len(QueueOrder)
    assert scans(database, statements) == []


def test_callers_are_found_by_index(database: Database, statements: list[tuple[str, Any]]) -> None:
    with database.transaction() as transaction:
        Users(transaction).add("ria", "hash", Role.REVIEWER, NOW)
        token = Users(transaction).start_session("ria", NOW, NOW + timedelta(hours=8))
        ApiKeys(transaction).create(Role.ADMIN, "", NOW)
    statements.clear()
    with database.transaction() as transaction:
        assert Users(transaction).in_session(token, NOW) is not None
        Users(transaction).end_session(token, NOW)
        Users(transaction).end_sessions("ria", NOW)
        ApiKeys(transaction).find("nothing")
    assert scans(database, statements) == []
