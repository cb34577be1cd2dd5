"""Tests of account states in the database."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from features.kernel.errors import NotFound
from serving.record.model import AccountState, Scores
from serving.record.store import AccountStates, UnreadableState
from serving.storage import Database
from tests.serving.cases import NOW


def state(account_id: str, m_score: float = 500.0) -> AccountState:
    """A small state."""
    return AccountState(account_id, NOW, {"cancel_ratio_7d": 0.25}, Scores(m_score=m_score), catalogue="c1")


def test_the_newest_state_takes_the_place_of_the_older(database: Database) -> None:
    later = NOW + timedelta(hours=1)
    with database.transaction() as transaction:
        assert AccountStates(transaction).upsert((state(f"A{n}") for n in range(2500)), NOW) == 2500
        assert AccountStates(transaction).upsert([state("A7", 700.0)], later) == 1
    with database.reading() as transaction:
        stored = AccountStates(transaction).get("A7")
        assert (stored.state, stored.updated_at) == (state("A7", 700.0), later)
        assert AccountStates(transaction).count() == 2500
        assert AccountStates(transaction).find(["A1", "A2", "none"]) == {"A1": state("A1"), "A2": state("A2")}


def test_an_account_that_was_never_scored_is_not_found(database: Database) -> None:
    with database.reading() as transaction, pytest.raises(NotFound, match="never scored"):
        AccountStates(transaction).get("A1")


@pytest.mark.parametrize("damage", ["not json", "[]", "{}", '{"account_id": "A1", "as_of": "noon"}', "null"])
def test_a_damaged_row_is_told_apart_and_spoils_no_other(database: Database, damage: str) -> None:
    with database.transaction() as transaction:
        AccountStates(transaction).upsert([state("A1"), state("A2")], NOW)
        change = text("UPDATE account_state SET state = :damage WHERE account_id = 'A1'")
        transaction.connection.execute(change, {"damage": damage})
        assert AccountStates(transaction).find(["A1", "A2"]) == {"A1": None, "A2": state("A2")}
        with pytest.raises(UnreadableState, match="score it again"):
            AccountStates(transaction).get("A1")
