"""Accounts of the parties: for an export without a table of accounts, one for everybody at their first row."""

from collections.abc import Iterable, Mapping

from features.activity.files import identifier, quote
from features.activity.schema import LABELS, Table

PARTIES = "(parties)"
NO_PARTY = "SELECT NULL AS account_id, NULL::TIMESTAMPTZ AS created_at WHERE false"


def parties(tables: Iterable[Table], given: Mapping[str, str], known: str) -> str:
    """SQL that makes a row of `accounts` for every party of the checked rows, to be checked in its turn.

    Args:
        tables: the tables of this import; `checked_<name>` holds their rows.
        given: the columns that all made accounts share, as written; nothing means null.
        known: SQL with the `account_id` of accounts that are there already.
    """
    found = " UNION ALL ".join(
        f"SELECT {column.name} AS account_id, {table.time} AS created_at FROM checked_{table.name} "
        "WHERE _reason IS NULL"
        for table in tables
        if table.name != LABELS.name and table.time
        for column in table.columns
        if column.kind == "account"
    )
    shared = "".join(f", {quote(value) if value else 'NULL'} AS {identifier(name)}" for name, value in given.items())
    return (
        f"(SELECT account_id, min(created_at) AS created_at{shared}, row_number() OVER (ORDER BY account_id) AS _row "
        f"FROM ({found or NO_PARTY}) AS party WHERE account_id IS NOT NULL AND NOT EXISTS "
        f"(FROM ({known}) AS known WHERE known.account_id = party.account_id) GROUP BY account_id)"
    )
