"""Tries rows again that earlier imports set aside because they did not know an account: they may know it now."""

from collections.abc import Iterable

import duckdb

from features.activity.files import quote
from features.activity.judging import RETRIED, UNKNOWN_ACCOUNT
from features.activity.quarantine import Quarantine
from features.activity.schema import Table


def collect_waiting(connection: duckdb.DuckDBPyConnection, quarantine: Quarantine) -> list[str]:
    """Fills `waiting` with the rows to be tried again; gives back the names of their tables."""
    connection.execute(
        'CREATE TABLE waiting AS SELECT "table", origin, row_number, reason, original, quarantined_at, '
        f"row_number() OVER () - 1 AS position FROM {quarantine.relation} WHERE retry"
    )
    names = connection.execute('SELECT DISTINCT "table" FROM waiting ORDER BY ALL').fetchall()
    return [name for (name,) in names]


def waiting_rows(table: Table) -> str:
    """SQL of a table's rows to be tried again, as text, with their position as `_row`."""
    columns = ", ".join(f"json_extract_string(original, '$.{c.name}') AS {c.name}" for c in table.columns)
    return f'(SELECT {columns}, position AS _row FROM waiting WHERE "table" = {quote(table.name)})'


def may_retry(reason: str) -> str:
    """SQL that holds of a reason that a later import may do away with."""
    return f"{reason} LIKE '%{UNKNOWN_ACCOUNT}'"


def no_longer_waiting(tables: Iterable[str]) -> str:
    """SQL of `table` and `original` of the rows that do not wait any more for what they waited for."""
    return f'SELECT DISTINCT "table", original FROM {_changed(tables)}'


def refused_otherwise(tables: Iterable[str]) -> str:
    """SQL of the rows that are refused for another reason than before, as the quarantine keeps them."""
    return (
        f'SELECT "table", origin, row_number, _reason AS reason, {may_retry("_reason")} AS retry, original, '
        f"quarantined_at FROM {_changed(tables)} WHERE _reason IS NOT NULL"
    )


def _changed(tables: Iterable[str]) -> str:
    tried = " UNION ALL ".join(
        f"SELECT _row AS position, _reason FROM checked_{name} WHERE _origin = {quote(RETRIED)}" for name in tables
    )
    return f"(FROM waiting JOIN ({tried}) USING (position) WHERE _reason IS DISTINCT FROM reason)"
