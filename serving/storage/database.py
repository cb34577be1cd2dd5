"""One database: its engine, its migration to the present version, and transactions begun and committed at the edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from features.kernel.errors import Invalid, MscoreError

BUSY_TIMEOUT_MS = 10_000
MIGRATION_LOCK = 5_273_001
VERSIONS = Path(__file__).parent / "migrations" / "versions"
VERSION_TABLE = "alembic_version"
PRESENT_VERSION = max(path.name[1:5] for path in VERSIONS.glob("v*.py"))
MIGRATING = "serving.storage.migrating"
"""Loaded only where there is something to migrate: Alembic takes as long to load as all else that a read needs."""
SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    # Without it a REPLACE would delete a row past the append-only trigger.
    "recursive_triggers=ON",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
)


class StorageUnavailable(MscoreError):
    """The database cannot be read or written at the moment."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction that stores read and write in: they share its connection."""

    connection: Connection


class Database:
    """A database by its SQLAlchemy URL; SQLite is set to survive a power cut and to let readers pass writers."""

    def __init__(self, url: str) -> None:
        self._url = _checked(url)
        try:
            self._engine = create_engine(
                self._url,
                json_serializer=lambda value: orjson.dumps(value).decode(),
                json_deserializer=_json_value,
                pool_pre_ping=self._url.get_backend_name() != "sqlite",
            )
        except ImportError as error:
            raise Invalid(
                f"The database {self._url.get_backend_name()} requires the Python driver {error.name}, which is not "
                "installed; add it to this environment or use SQLite."
            ) from error
        if self._engine.dialect.name == "sqlite":
            _prepare_sqlite(self._engine)

    def migrate(self) -> None:
        """Bring the database to the present version; one that is there already is left as it is, and costs one read.

        Raises:
            Invalid: a newer version of mscore made the database.
        """
        if self._version() == PRESENT_VERSION:
            return
        with self.transaction() as transaction:
            if self._engine.dialect.name == "postgresql":
                transaction.connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            import_module(MIGRATING).upgrade(transaction.connection)

    @contextmanager
    def transaction(self, lock_timeout_ms: int = BUSY_TIMEOUT_MS) -> Iterator[Transaction]:
        """A transaction that may write: committed where the block ends well, undone where it raises.

        Args:
            lock_timeout_ms: how long to wait for another writer, in milliseconds.

        Raises:
            StorageUnavailable: the database cannot be reached or stays locked.
        """
        with self._begun("BEGIN IMMEDIATE", lock_timeout_ms) as transaction:
            yield transaction

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A transaction that only reads: one unchanging view, never waiting for a writer.

        Raises:
            StorageUnavailable: the database cannot be reached.
        """
        with self._begun("BEGIN") as transaction:
            yield transaction

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()

    def _version(self) -> str | None:
        """The version of the tables, None where there are none.

        Raises:
            Invalid: it is newer than what this program knows.
        """
        with self.reading() as transaction:
            if not inspect(transaction.connection).has_table(VERSION_TABLE):
                return None
            version = transaction.connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
        if version is not None and version > PRESENT_VERSION:
            raise Invalid(
                f"The database is at version {version}; this mscore knows {PRESENT_VERSION}. Install a newer mscore."
            )
        return version

    @contextmanager
    def _begun(self, begin: str, lock_timeout_ms: int = BUSY_TIMEOUT_MS) -> Iterator[Transaction]:
        options = {"mscore_begin": begin, "mscore_lock_timeout_ms": lock_timeout_ms}
        try:
            with self._engine.connect().execution_options(**options) as connection, connection.begin():
                yield Transaction(connection)
        except IntegrityError:
            raise
        except (DBAPIError, PoolTimeout) as error:
            cause = getattr(error, "orig", error)
            raise StorageUnavailable(f"The database cannot be used at the moment ({cause}); try again.") from error


def migrate(url: str) -> None:
    """Bring the database at the URL to the present version."""
    database = Database(url)
    try:
        database.migrate()
    finally:
        database.close()


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (SQLAlchemyError, ImportError) as error:
        raise Invalid(f"The database URL cannot be used ({error}); write it like sqlite:////path/mscore.db.") from error
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise Invalid("A database in memory is lost with its connection; name a file: sqlite:////path/mscore.db.")
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    return parsed


def _json_value(stored: Any) -> Any:
    # SQLite gives a JSON value that is a mere number back as that number.
    return orjson.loads(stored) if isinstance(stored, str | bytes) else stored


def _prepare_sqlite(engine: Engine) -> None:
    def on_connect(connection: Any, _record: Any) -> None:
        # The driver's own BEGIN comes too late (at the first write) and never as IMMEDIATE.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in SQLITE_PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(f"PRAGMA busy_timeout={int(options.get('mscore_lock_timeout_ms', BUSY_TIMEOUT_MS))}")
        connection.exec_driver_sql(options.get("mscore_begin", "BEGIN"))

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
