"""What an import should be asked about although it keeps the contract: improbable years, values held by too many."""

from collections.abc import Iterator, Mapping

import duckdb

from features.activity.bounds import PROBABLE_YEARS
from features.activity.columns import Column, Table
from features.activity.files import identifier
from features.activity.identifiers import comparable_sql

HOT_ACCOUNTS = 50
HOT_SHARE = 0.01
HOT_VALUES = 3
LINKING_FORMS = ("address", "hash", "ip", "token", "owner")
SHARED_BY_MANY = ("asn",)  # a provider has many customers
ROWS_OF_ONE = (
    "order_events",
    "trades",
    "labels",
)  # their tokens name one order or session, which are counted elsewhere


def notices(engine: duckdb.DuckDBPyConnection, tables: Mapping[str, Table]) -> list[str]:
    """Sentences about the good rows of an import, which stand in its `checked_<table>`."""
    sentences: list[str] = []
    for table in tables.values():
        sentences += _improbable_years(engine, table)
        sentences += _hot_values(engine, table)
    return sentences


def _improbable_years(engine: duckdb.DuckDBPyConnection, table: Table) -> Iterator[str]:
    columns = [c.name for c in table.columns if c.kind == "time" and not c.is_event_clock]
    if not columns:
        return
    first, last = PROBABLE_YEARS
    counts = ", ".join(f"count(*) FILTER (year({identifier(n)}) NOT BETWEEN {first} AND {last})" for n in columns)
    rows = engine.execute(f"SELECT {counts} FROM checked_{table.name} WHERE _reason IS NULL").fetchall()
    for name, count in zip(columns, rows[0], strict=True):
        if count:
            yield f"{table.name}.{name}: {count:,} moments before {first} or after {last}; check how they were written."


def _hot_values(engine: duckdb.DuckDBPyConnection, table: Table) -> Iterator[str]:
    """Values by which more accounts would be linked than share anything: likely a stand-in that is not listed yet."""
    if table.name in ROWS_OF_ONE or not any(column.name == "account_id" for column in table.columns):
        return
    for column in (c for c in table.columns if _links(c)):
        value = comparable_sql(str(column.form), identifier(column.name))
        rows = engine.execute(
            "SELECT value, accounts, all_accounts FROM "
            f"(SELECT {value} AS value, count(DISTINCT account_id) AS accounts, "
            f"(SELECT count(DISTINCT account_id) FROM checked_{table.name} WHERE _reason IS NULL) AS all_accounts "
            f"FROM checked_{table.name} WHERE _reason IS NULL GROUP BY 1) WHERE value IS NOT NULL "
            f"AND accounts > {HOT_ACCOUNTS} AND accounts > {HOT_SHARE} * all_accounts "
            f"ORDER BY accounts DESC, value LIMIT {HOT_VALUES}"
        ).fetchall()
        for text, accounts, all_accounts in rows:
            yield (
                f"{table.name}.{column.name}: {text!r} is held by {accounts:,} of {all_accounts:,} accounts; if it "
                "means that the value is not known, export nothing there."
            )


def _links(column: Column) -> bool:
    return column.form in LINKING_FORMS and column.name not in SHARED_BY_MANY
