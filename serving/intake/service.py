"""Brings the account record up to what the lake says, so that what binds binds at the next decision."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from features.activity.lake import Lake, Snapshot
from features.activity.snapshot import Activity
from features.kernel.errors import Conflict
from features.kernel.moments import from_microseconds
from features.restrictions import RESTRICTION_ROWS, restriction_rows
from serving.record.changes import Changes
from serving.record.known import Record
from serving.record.service import RECORDED
from serving.storage import Database
from serving.storage.database import Transaction
from serving.storage.service_state import ServiceState

MOMENTS = ("known_from", "ts", "expires_at", "lifted_at", "effective_from", "effective_to", "ends_at")
ROWS_AT_ONCE = 10_000
IMPORT = "import"
"""Who proposes what an import without a named source brings."""
DECLARED = "declared"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was written to the record.

    Attributes:
        added: by subject how many rows bind that did not before.
        waiting: by subject how many rows would end or weaken a restriction, and wait.
    """

    added: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)


class Recording:
    """Tells the record what an import brings, before the lake shows it; `done` is what was written.

    What an interrupted import left undone is written at once. A crash between the record and the lake leaves
    restrictions in force whose import has to be run again.
    """

    def __init__(
        self, lake: Lake, database: Database, now: datetime, *, is_trusted: bool = False, by: str = IMPORT
    ) -> None:
        self._database, self._now, self._is_trusted, self._by = database, now, is_trusted, by
        self.done = Recorded()
        record_what_binds(lake, database, now)

    def __call__(self, snapshot: Snapshot) -> None:
        """Write what the state binds."""
        self.done = record_snapshot(snapshot, self._database, self._now, is_trusted=self._is_trusted, by=self._by)


def record_what_binds(lake: Lake, database: Database, now: datetime) -> Recorded:
    """Writes to the record what the lake knows and the record does not: what an older version or a crash left undone.

    A record that was never written takes everything as it stands. In any other a row that ends or weakens a
    restriction waits. A record that is up to date costs one read.
    """
    with database.reading() as transaction:
        recorded = ServiceState(transaction).get(RECORDED)
    if recorded is not None and recorded["lake_version"] == lake.version:
        return Recorded()
    return repair(lake, database, now)


def repair(lake: Lake, database: Database, now: datetime) -> Recorded:
    """Writes what the record lacks, whatever it says of how far it is; what waits goes on waiting."""
    if lake.version is None:
        with database.transaction() as transaction:
            ServiceState(transaction).put(RECORDED, {"lake_version": None}, now)
        return Recorded()
    return record_snapshot(lake.snapshot(), database, now)


def require_record(transaction: Transaction, now: datetime) -> None:
    """Makes sure that decisions read the record, before somebody declares a row by hand.

    From then on the first import is not trusted to end what was declared.

    Raises:
        Conflict: the record was never written.
    """
    recorded = ServiceState(transaction).get(RECORDED)
    if recorded is None:
        raise Conflict("The account record was never written; run `mscore record verify --repair` first.")
    if recorded["lake_version"] is None and not recorded.get(DECLARED):
        ServiceState(transaction).put(RECORDED, {**recorded, DECLARED: True}, now)


def record_snapshot(
    snapshot: Snapshot, database: Database, now: datetime, *, is_trusted: bool = False, by: str = IMPORT
) -> Recorded:
    """Writes to the record, in one transaction, what a state of the lake knows and it does not; nothing is removed.

    Args:
        is_trusted: whether what is new comes from a source that may end restrictions.
        by: the source of what is new, for the changes that wait.
    """
    rows = [(subject, list(_rows(table))) for subject, table in restriction_rows(Activity.from_snapshot(snapshot))]
    added: dict[str, int] = {}
    waiting: dict[str, int] = {}
    with database.transaction() as transaction:
        recorded = ServiceState(transaction).get(RECORDED)
        is_first = recorded is None or (recorded["lake_version"] is None and not recorded.get(DECLARED))
        trusts = is_trusted or is_first
        for subject, new_rows in rows:
            done = Record(transaction).add(subject, new_rows, is_trusted=trusts)
            Changes(transaction).propose(subject, done.waiting, by, now)
            added |= {subject: done.in_force} if done.in_force else {}
            waiting |= {subject: len(done.waiting)} if done.waiting else {}
        ServiceState(transaction).put(RECORDED, {"lake_version": snapshot.version}, now)
    return Recorded(added, waiting)


@dataclass(frozen=True, slots=True)
class Difference:
    """How the record differs from the lake in one subject: rows that only one of them has, and rows that wait."""

    missing: int
    beyond: int
    waiting: int


def compare_with_lake(lake: Lake, database: Database) -> dict[str, Difference]:
    """By subject how the record differs from what the lake says now.

    A row that only the record has is one that a later version replaced, or that did not come by an import.
    """
    rows = {} if lake.version is None else dict(restriction_rows(Activity.from_lake(lake)))
    with database.reading() as transaction:
        waiting = Record(transaction).waiting()
        recorded = {subject: Record(transaction).keys(subject) for subject in RESTRICTION_ROWS}
    differences = {}
    for subject in RESTRICTION_ROWS:
        in_lake = frozenset(rows[subject]["row_key"].to_pylist()) if rows else frozenset()
        missing, beyond = in_lake - recorded[subject], recorded[subject] - in_lake
        differences[subject] = Difference(len(missing), len(beyond), waiting.get(subject, 0))
    return differences


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    moments = [name for name in MOMENTS if name in table.column_names]
    for batch in table.to_batches(ROWS_AT_ONCE):
        for row in batch.to_pylist():
            yield row | {name: _moment(row[name]) for name in moments}


def _moment(microsecond: int | None) -> datetime | None:
    return None if microsecond is None else from_microseconds(microsecond)
