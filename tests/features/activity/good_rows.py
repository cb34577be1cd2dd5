"""One good row of every table, made from the schema, for tests that spoil any value of any column."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from features.activity.columns import Column, Table
from features.activity.schema import LABELS, TABLES

EVERY_TABLE: dict[str, Table] = {**TABLES, LABELS.name: LABELS}
HAPPENED = datetime(2025, 5, 1, 12, tzinfo=UTC)
FITTING = {
    ("verifications", "level"): 2,
    ("accounts", "country"): "DE",
    ("sessions", "ip"): "203.0.113.7",
    ("sessions", "ip_country"): "DE",
    ("labels", "typology"): "phishing",
    ("enforcements", "measure"): "withdrawal_hold",
}


def good_value(table: str, column: Column) -> Any:
    """A value that keeps the contract; of a column that refers to an account, account `a`."""
    if (table, column.name) in FITTING:
        return FITTING[table, column.name]
    if column.kind == "account" or column.name == "account_id":
        return "a"
    if column.kind == "enum":
        return column.values[0]
    if column.kind == "time":
        return HAPPENED
    if column.kind == "bool":
        return False
    if column.kind == "int":
        return 3
    return f"{column.name}-1" if column.arrow_type == pa.string() else 0.5


def good_row(table: str, **others: Any) -> dict[str, Any]:
    """A row with every column filled, but for the clock of its ingestion."""
    columns = EVERY_TABLE[table].columns
    row = {column.name: good_value(table, column) for column in columns if column.name != "ingested_at"}
    return {**row, **others}


def own_ids(table: str) -> tuple[str, ...]:
    """The columns that must differ between two rows for them to be two: ids of the key, else what is text in it."""
    declared = EVERY_TABLE[table]
    named = [declared.column(name) for name in declared.key]
    ids = [column.name for column in named if column.kind == "id" and column.name != "account_id"]
    return tuple(ids or [column.name for column in named if column.kind in ("id", "text") and column.kind != "account"])
