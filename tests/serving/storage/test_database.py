"""Tests of the database: migration, transactions, and records that cannot be changed."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, text
from sqlalchemy.exc import IntegrityError

from features.kernel.errors import Invalid
from serving.decisions.store import DecisionLog, DecisionRecord
from serving.people.store import ApiKeys
from serving.reviews.store import QueueOrder, ReviewFilter, ReviewLog, reviews
from serving.storage import Database
from serving.storage.database import PRESENT_VERSION, StorageUnavailable, migrate
from serving.storage.metadata import APPEND_ONLY, metadata
from serving.storage.migrating import alembic_config
from serving.storage.service_state import ServiceState
from tests.serving.cases import NOW, plain_review, ring_review


def test_the_migrated_database_is_what_the_metadata_says(database: Database) -> None:
    with database.reading() as transaction:
        context = MigrationContext.configure(transaction.connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        names = {name for name in metadata.tables if inspect(transaction.connection).has_table(name)}
    assert names == set(metadata.tables)


def test_the_present_version_is_the_newest_step(database: Database) -> None:
    with database.reading() as transaction:
        steps = ScriptDirectory.from_config(alembic_config(transaction.connection))
        assert steps.get_current_head() == PRESENT_VERSION


def test_a_database_of_a_newer_mscore_is_refused(database: Database) -> None:
    with database.transaction() as transaction:
        transaction.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Invalid, match="version 9999; this mscore knows"):
        database.migrate()


def test_migrating_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    with database.transaction() as transaction:
        ReviewLog(transaction).open(ring_review())
    migrate(f"sqlite:///{tmp_path / 'home' / 'mscore.db'}")
    with database.reading() as transaction:
        assert ReviewLog(transaction).get("rev_flock") == ring_review()


def test_a_case_from_before_priorities_is_kept_and_comes_last(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    old = [ring_review(f"rev_{number}") for number in range(3)]
    with database.transaction() as transaction:
        command.upgrade(alembic_config(transaction.connection), "0001")
        for case in old:
            names = ("review_id", "dedup_key", "opened_at", "due_at", "typology")
            record = {name: value for name, value in case.to_json().items() if name != "priority"}
            row = {name: getattr(case, name) for name in names} | {"severity": int(case.severity), "case": record}
            transaction.connection.execute(insert(reviews).values(row))
    database.migrate()
    new = replace(plain_review("p"), priority=0.01)
    filters = ReviewFilter(order=QueueOrder.PRIORITY)
    with database.transaction() as transaction:
        ReviewLog(transaction).open(new)
        first = ReviewLog(transaction).list(filters, 2)
        second = ReviewLog(transaction).list(filters, 2, first.next_page_token)
    assert [*first.rows, *second.rows] == [new, *old]


def test_a_key_from_before_clients_is_a_client_of_its_own(tmp_path: Path) -> None:
    """So a request that it sent before the upgrade is still known."""
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    key = {"key_id": "0a1b", "secret_hash": "0" * 64, "role": "risk_system", "name": "", "created_at": NOW}
    with database.transaction() as transaction:
        command.upgrade(alembic_config(transaction.connection), "0003")
        names = ", ".join(key)
        places = ", ".join(f":{name}" for name in key)
        insertion = text(f"INSERT INTO api_keys ({names}) VALUES ({places})")
        transaction.connection.execute(insertion, key | {"created_at": NOW.isoformat(" ")})
    database.migrate()
    with database.reading() as transaction:
        (stored,) = ApiKeys(transaction).list()
    assert (stored.client, stored.expires_at, stored.is_in_force(NOW)) == ("0a1b", None, True)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "change", ["UPDATE {0} SET {1} = 'x'", "DELETE FROM {0}", "REPLACE INTO {0} SELECT * FROM {0}"]
)
def test_records_can_be_neither_changed_nor_removed(database: Database, table: str, change: str) -> None:
    with database.transaction() as transaction:
        ReviewLog(transaction).open(ring_review())
        DecisionLog(transaction).append([DecisionRecord("d", "A", NOW, "key", "i", "0" * 64, {}, {})])
    column = next(iter(metadata.tables[table].columns)).name
    with pytest.raises(IntegrityError, match=f"{table} is append-only"), database.transaction() as transaction:
        transaction.connection.execute(text(change.format(table, column)))


def test_sqlite_is_set_to_survive_a_power_cut(database: Database) -> None:
    with database.reading() as transaction:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = {name: transaction.connection.execute(text(f"PRAGMA {name}")).scalar() for name in pragmas}
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    def open_and_fail() -> None:
        with database.transaction() as transaction:
            ReviewLog(transaction).open(ring_review())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        open_and_fail()
    with database.reading() as transaction:
        assert ReviewLog(transaction).list().rows == ()


def test_a_reader_keeps_its_view_while_a_writer_commits(database: Database) -> None:
    with database.reading() as reader:
        assert ReviewLog(reader).list().rows == ()
        with database.transaction() as writer:
            ReviewLog(writer).open(ring_review())
        assert ReviewLog(reader).list().rows == ()


def test_writers_wait_for_each_other_instead_of_failing(database: Database) -> None:
    def add(name: str) -> None:
        for turn in range(20):
            with database.transaction() as transaction:
                seen = ServiceState(transaction).get("count") or 0
                ServiceState(transaction).put("count", seen + 1, NOW)
                ServiceState(transaction).put(f"{name}-{turn}", True, NOW)

    threads = [threading.Thread(target=add, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as transaction:
        assert ServiceState(transaction).get("count") == 60


def test_a_database_that_is_none_is_reported_as_unavailable(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is no database" * 100)
    broken = Database(f"sqlite:///{tmp_path / 'broken.db'}")
    with pytest.raises(StorageUnavailable, match="cannot be used"), broken.reading() as transaction:
        ServiceState(transaction).get("x")
    broken.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "nonsense", "nosuch://host/db"])
def test_an_unusable_url_is_refused_with_one_sentence(url: str) -> None:
    with pytest.raises(Invalid, match="sqlite:////path"):
        Database(url)
