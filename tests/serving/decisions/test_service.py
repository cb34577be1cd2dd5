"""Tests of the workflow behind a decision."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from serving.decisions.request import DecisionRequest
from serving.decisions.service import DecisionResponse, Incoming, KeyReused, Result, answer_all, preview
from serving.decisions.store import DecisionLog
from serving.measures.model import Measure, MeasureState
from serving.policy.book import Policy
from serving.record.model import AccountState, Scores
from serving.record.store import AccountStates
from serving.reviews.lifecycle import Changes, EventKind, ReviewEvent
from serving.reviews.model import ReviewStatus
from serving.reviews.store import ReviewLog
from serving.storage import Database
from tests.serving.cases import NOW

REQUEST = DecisionRequest("A1", "withdrawal", NOW, amount_usd=Decimal(100))
LARGE = replace(REQUEST, amount_usd=Decimal(60_000))


def incoming(number: int, request: DecisionRequest = REQUEST, key: str | None = None) -> Incoming:
    """One request with its own id; by default with its own key."""
    return Incoming(request, "client", key or f"key-{number}", f"dec_{number}", NOW + timedelta(seconds=number))


def answer(result: Result) -> dict[str, object]:
    """The answer as a caller reads it."""
    assert isinstance(result, DecisionResponse)
    body: dict[str, object] = orjson.loads(result.body)
    return body


@pytest.fixture
def scored(database: Database) -> Database:
    """A database that knows account A1."""
    with database.transaction() as transaction:
        state = AccountState("A1", NOW, {}, Scores(20.0, 0.4, {"spoofing": 0.01}, 640.0), catalogue="c")
        AccountStates(transaction).upsert([state], NOW)
    return database


def test_the_same_key_gives_the_stored_answer_and_decides_once(scored: Database, policy: Policy) -> None:
    first = answer_all(scored, policy, [incoming(1, key="k")])[0]
    again = answer_all(scored, policy, [incoming(2, key="k")])[0]
    assert isinstance(first, DecisionResponse)
    assert isinstance(again, DecisionResponse)
    assert again.body == first.body
    assert again.decision is None


def test_the_same_key_twice_in_one_batch_decides_once(scored: Database, policy: Policy) -> None:
    results = answer_all(scored, policy, [incoming(1, key="k"), incoming(2, key="k"), incoming(3, LARGE, key="k")])
    assert [answer(result)["decision_id"] for result in results[:2]] == ["dec_1", "dec_1"]
    assert isinstance(results[2], KeyReused)


def test_a_key_belongs_to_its_client(scored: Database, policy: Policy) -> None:
    mine, theirs = incoming(1, key="k"), replace(incoming(2, LARGE, key="k"), client="other")
    assert [answer(r)["decision_id"] for r in answer_all(scored, policy, [mine, theirs])] == ["dec_1", "dec_2"]


def test_the_answer_is_recorded_as_it_was_sent(scored: Database, policy: Policy) -> None:
    sent = answer(answer_all(scored, policy, [incoming(1, LARGE)])[0])
    with scored.reading() as transaction:
        record = DecisionLog(transaction).get("dec_1")
    assert record.sent == record.decision.to_json()
    assert record.sent | {"recorded": True} == sent
    assert DecisionRequest.from_stored(record.request) == LARGE


def test_a_rule_that_asks_for_a_person_opens_one_review_while_it_is_open(scored: Database, policy: Policy) -> None:
    sent = [answer(result) for result in answer_all(scored, policy, [incoming(1, LARGE), incoming(2, LARGE)])]
    later = answer(answer_all(scored, policy, [incoming(3, LARGE)])[0])
    assert {body["review_id"] for body in (*sent, later)} == {"rev_dec_1"}
    with scored.reading() as transaction:
        review = ReviewLog(transaction).get("rev_dec_1")
    assert (review.typology, review.clauses, review.accounts) == ("money_laundering", ("4.4",), ("A1",))
    assert [proposed.measure for proposed in review.proposed_measures] == ["withdrawal_hold"]
    assert review.measures == ()
    assert "60000" in review.summary


def test_a_measure_imposed_in_a_review_binds_the_next_decision(scored: Database, policy: Policy) -> None:
    answer_all(scored, policy, [incoming(1, LARGE)])
    hold = Measure("m1", "withdrawal_hold", "A1", "6", "account", NOW, "ria", MeasureState.IN_FORCE)
    changes = Changes(status=ReviewStatus.DECIDED, measures=(hold,))
    with scored.transaction() as transaction:
        ReviewLog(transaction).record(ReviewEvent("rev_dec_1", 2, EventKind.DECIDED, NOW, "ria", changes))
    body = answer(answer_all(scored, policy, [incoming(2)])[0])
    assert body["measures"] == [hold.to_json()]


def test_a_preview_stores_nothing(scored: Database, policy: Policy) -> None:
    shown = preview(scored, policy, incoming(1, LARGE))
    assert answer(shown)["outcome"] == "review"
    with scored.reading() as transaction:
        assert ReviewLog(transaction).list().rows == ()
        assert DecisionLog(transaction).answered([("client", "key-1")]) == {}


def test_a_damaged_state_is_named_in_the_answer(scored: Database, policy: Policy) -> None:
    with scored.transaction() as transaction:
        transaction.connection.execute(text("UPDATE account_state SET state = 'x'"))
    body = answer(answer_all(scored, policy, [incoming(1)])[0])
    assert "account_state" in [entry["component"] for entry in body["degraded"]]  # type: ignore[attr-defined]


def test_an_account_nobody_knows_gets_a_decision_that_says_so(scored: Database, policy: Policy) -> None:
    body = answer(answer_all(scored, policy, [incoming(1, replace(REQUEST, account_id="nobody"))])[0])
    assert body["as_of"] is None
    assert body["degraded"]


def test_without_a_database_a_decision_is_given_and_says_that_nothing_was_recorded(
    policy: Policy, tmp_path: Path
) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is no database" * 100)
    broken = Database(f"sqlite:///{tmp_path / 'broken.db'}")
    for result in (*answer_all(broken, policy, [incoming(1, LARGE)]), preview(broken, policy, incoming(2, LARGE))):
        assert isinstance(result, DecisionResponse)
        assert not result.is_recorded
        assert "storage" in [entry["component"] for entry in answer(result)["degraded"]]  # type: ignore[attr-defined]
        assert answer(result)["outcome"] == "hold"
    broken.close()


@pytest.fixture
def lock(scored: Database, tmp_path: Path) -> Iterator[None]:
    """Another process that holds the write lock."""
    connection = sqlite3.connect(tmp_path / "home" / "mscore.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@pytest.mark.usefixtures("lock")
def test_while_another_process_writes_the_account_is_still_read(scored: Database, policy: Policy) -> None:
    (result,) = answer_all(scored, policy, [incoming(1)])
    said = answer(result)
    assert (said["recorded"], said["outcome"]) == (False, "hold")
    assert said["scores"] == {
        "anomaly_score": 20.0,
        "anomaly_p_value": 0.4,
        "violation_probability": {"spoofing": 0.01},
        "m_score": 640.0,
    }
    assert "not_scored" not in [reason["code"] for reason in said["reasons"]]  # type: ignore[attr-defined]
    (login,) = answer_all(scored, policy, [incoming(2, DecisionRequest("A1", "login", NOW))])
    assert answer(login)["outcome"] == "monitor"


def test_an_answer_that_was_recorded_is_given_again_while_another_process_writes(
    scored: Database, policy: Policy, request: pytest.FixtureRequest
) -> None:
    (first,) = answer_all(scored, policy, [incoming(1, key="k")])
    request.getfixturevalue("lock")
    again, other = answer_all(scored, policy, [incoming(2, key="k"), incoming(3, LARGE, key="k")])
    assert answer(again) == answer(first)
    assert isinstance(other, KeyReused)
