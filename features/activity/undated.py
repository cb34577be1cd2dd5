"""Says what rows without `ingested_at` do to a lake that holds rows: they count as learned of at the import."""

from collections.abc import Iterator, Mapping

import duckdb

from features.activity.clocks import Clocks
from features.activity.columns import EVENT_CLOCKS, Table
from features.activity.files import identifier
from features.activity.revisions import REVISION, VERSIONED
from features.activity.schema import LABELS
from features.kernel.moments import from_microseconds, text_of

USUAL_DELAY_DAYS = 2
"""An export of the day before brings rows this old; older ones are likely history."""


def undated_notices(engine: duckdb.DuckDBPyConnection, tables: Mapping[str, Table], clocks: Clocks) -> list[str]:
    """Sentences about the judged rows of an import, which stand in its `checked_<table>` and `verdict_<table>`."""
    if clocks.is_history:
        return []
    judged = [table for table in tables.values() if table.name != LABELS.name]
    return [
        sentence
        for table in judged
        for sentence in (*_replaced_corrections(engine, table), *_history(engine, table, clocks))
    ]


def _replaced_corrections(engine: duckdb.DuckDBPyConnection, table: Table) -> Iterator[str]:
    keys = [identifier("_key_" + name) for name in table.key]

    def same(names: list[str]) -> str:
        return " AND ".join(f"mine.{name} IS NOT DISTINCT FROM held.{name}" for name in names)

    replaces = "held._last > 0 OR held._is_cancelled"
    if table.name == VERSIONED:  # a later version is no correction there, but one that was replaced before may undo one
        earlier = f"SELECT 1 FROM rivals_{table.name} AS held WHERE _id IS NULL AND {same([*keys, '_content'])}"
        replaces = f"held._is_cancelled OR EXISTS ({earlier})"
    newest = engine.execute(
        f"SELECT count(*), count(*) FILTER (_is_cancelled), epoch_us(max(_since)) FROM rivals_{table.name} AS mine "
        f"JOIN verdict_{table.name} AS v ON v._id = mine._id JOIN checked_{table.name} AS c ON c.rowid = mine._id "
        f"JOIN (SELECT {', '.join(keys)}, max({REVISION}) AS _last, arg_max(_clock, {REVISION}) AS _since, "
        f"arg_max(_content IS NULL, {REVISION}) AS _is_cancelled FROM rivals_{table.name} WHERE _id IS NULL "
        f"GROUP BY ALL) AS held ON {same(keys)} "
        f"WHERE v._verdict = 'accepted' AND c.ingested_at IS NULL AND ({replaces})"
    ).fetchall()
    ((count, cancelled, since),) = newest
    if count:
        of_them = f", {cancelled:,} of them cancellations" if cancelled else ""
        yield (
            f"{count:,} rows of {table.name} without ingested_at replace corrections{of_them}, the last known since "
            f"{text_of(from_microseconds(since))}. If this export is older than the corrections, import the "
            "corrections again without ingested_at; next time import an old export with --as-history."
        )


def _history(engine: duckdb.DuckDBPyConnection, table: Table, clocks: Clocks) -> Iterator[str]:
    if table.time not in EVENT_CLOCKS:
        return
    happened = identifier(str(table.time))
    ((count, first),) = engine.execute(
        f"SELECT count(*), epoch_us(min({happened})) FROM checked_{table.name} AS c "
        f"LEFT JOIN verdict_{table.name} AS v ON v._id = c.rowid WHERE _reason IS NULL AND ingested_at IS NULL "
        f"AND (v._id IS NULL OR (v._verdict = 'accepted' AND v.{REVISION} = 0)) "
        f"AND {happened} < {clocks.now} - INTERVAL {USUAL_DELAY_DAYS} DAY"
    ).fetchall()
    if count:
        yield (
            f"{count:,} rows of {table.name} without ingested_at happened more than {USUAL_DELAY_DAYS} days before "
            f"this import, the first at {text_of(from_microseconds(first))}, and count from this import on: features "
            "of earlier moments do not see them. If they were known when they happened, import everything into a new "
            "lake with --as-history."
        )
