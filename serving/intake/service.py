"""Brings the account record up to what the lake says, so that what binds binds at the next decision."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from features.activity.lake import Lake
from features.activity.snapshot import Activity
from features.kernel.moments import from_microseconds
from features.restrictions import binding_rows
from serving.record.known import Record
from serving.record.service import RECORDED
from serving.storage import Database
from serving.storage.service_state import ServiceState

MOMENTS = ("known_from", "ts", "expires_at", "lifted_at", "effective_from", "effective_to", "ends_at")
ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was written to the record.

    Attributes:
        added: by subject how many rows bind that did not before.
        waiting: by subject how many rows would end or weaken a restriction, and wait.
    """

    added: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)


def record_what_binds(lake: Lake, database: Database, now: datetime, *, is_trusted: bool = False) -> Recorded:
    """Writes to the record, in one transaction, what the lake knows and the record does not; nothing is removed.

    The first time everything counts as it stands. Later a row that ends or weakens a restriction waits, unless it is
    trusted. A record that is up to date costs one read.

    Args:
        is_trusted: whether what is new comes from a source that may end restrictions.
    """
    version = lake.version
    with database.reading() as transaction:
        recorded = ServiceState(transaction).get(RECORDED)
    if recorded is not None and recorded["lake_version"] == version:
        return Recorded()
    bound = [] if version is None else [(s, list(_rows(t))) for s, t in binding_rows(Activity.from_lake(lake))]
    trusted = is_trusted or recorded is None or recorded["lake_version"] is None
    added: dict[str, int] = {}
    waiting: dict[str, int] = {}
    with database.transaction() as transaction:
        for subject, rows in bound:
            binding, waits = Record(transaction).add(subject, rows, is_trusted=trusted)
            added |= {subject: binding} if binding else {}
            waiting |= {subject: waits} if waits else {}
        ServiceState(transaction).put(RECORDED, {"lake_version": version}, now)
    return Recorded(added, waiting)


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    moments = [name for name in MOMENTS if name in table.column_names]
    for batch in table.to_batches(ROWS_AT_ONCE):
        for row in batch.to_pylist():
            yield row | {name: _moment(row[name]) for name in moments}


def _moment(microsecond: int | None) -> datetime | None:
    return None if microsecond is None else from_microseconds(microsecond)
