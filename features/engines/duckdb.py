"""Runs the expressions: DuckDB, embedded, over activity presented with times as integer microseconds."""

import os
import shutil
import weakref
from collections.abc import Sequence
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from features.activity.checking import sql_type
from features.activity.files import identifier
from features.activity.schema import TABLES, Column, Table
from features.activity.snapshot import Activity
from features.kernel.claims import claimed_folder
from features.kernel.errors import Invalid

MEMORY_VARIABLE = "MSCORE_DUCKDB_MEMORY"
MEMORY = "3GB"
TEMPORARY = "mscore-duckdb-"

# The known accounts come first; trades may name others.
NUMBER_ACCOUNTS = """
CREATE TABLE IF NOT EXISTS account_numbers AS
WITH named AS (
    SELECT account_id, true AS known FROM accounts
    UNION ALL SELECT maker_account_id, false FROM trades
    UNION ALL SELECT taker_account_id, false FROM trades)
SELECT account_id, known, CAST(row_number() OVER (ORDER BY known DESC, account_id) AS INTEGER) AS account_no
FROM (SELECT account_id, bool_or(known) AS known FROM named WHERE account_id IS NOT NULL GROUP BY ALL)
"""


class DuckDBEngine:
    """One connection over one state of the activity; what is derived is added as tables or views.

    Tables live compressed in a file of the folder for temporary files, gone with the engine, or with the next engine
    where the process is killed; of them and of what is being worked on, `MSCORE_DUCKDB_MEMORY` (default 3GB) is held
    in memory.
    """

    def __init__(self, activity: Activity) -> None:
        self.activity = activity
        self._claim = claimed_folder(TEMPORARY)
        folder = self._claim.folder
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        memory = os.environ.get(MEMORY_VARIABLE, MEMORY)
        try:
            self.connection = duckdb.connect(
                folder / "derived.duckdb", config={"memory_limit": memory, "temp_directory": str(folder)}
            )
        except duckdb.Error as error:
            raise Invalid(f"{MEMORY_VARIABLE} is {memory!r}; write it like 3GB or 2500MB.") from error
        self.connection.execute("SET TimeZone = 'UTC'")
        # Sorted by account, clocks look like runs to DuckDB, which then takes a fifth longer to read than packed bits.
        self.connection.execute("SET force_compression = 'bitpacking'")
        for table in TABLES.values():
            self._present(table)

    def run(self, query: str | ir.Table, parameters: Sequence[Any] | None = None) -> pa.Table:
        """The result of a query, given as SQL or as an Ibis expression."""
        sql = query if isinstance(query, str) else compiled(query)
        return self.connection.sql(sql, params=list(parameters or [])).to_arrow_table()

    def frame(self, query: str | ir.Table, parameters: Sequence[Any] | None = None) -> pd.DataFrame:
        """The result of a query as a pandas frame."""
        frame: pd.DataFrame = self.run(query, parameters).to_pandas()
        return frame

    def create(self, name: str, query: str | ir.Table, *, temporary: bool = False) -> None:
        """Materialises a query as a table; a temporary one is never compressed, so it is there sooner."""
        sql = query if isinstance(query, str) else compiled(query)
        kind = "TEMP TABLE" if temporary else "TABLE"
        self.connection.execute(f"CREATE OR REPLACE {kind} {identifier(name)} AS {sql}")

    def number_accounts(self) -> None:
        """Gives every account that activity names its number, in `account_numbers`, if that is not done yet."""
        self.connection.execute(NUMBER_ACCOUNTS)

    def create_fact(self, name: str, rows: ir.Table) -> None:
        """Materialises the rows of a fact with the `account_no` that spines join by: integers, not text.

        What one account did lies together, oldest first: looking at few accounts reads little.
        """
        self.number_accounts()
        numbered = f"SELECT f.*, n.account_no FROM ({compiled(rows)}) AS f LEFT JOIN account_numbers AS n"
        self.create(name, f"{numbered} USING (account_id) ORDER BY n.account_no, f.ts")

    def view(self, name: str, sql: str) -> None:
        """Names a query without running it."""
        self.connection.execute(f"CREATE OR REPLACE VIEW {identifier(name)} AS {sql}")

    def register(self, name: str, rows: pa.Table) -> None:
        """Makes an Arrow table readable under a name."""
        self.connection.register(name, rows)

    def forget_temporary(self) -> None:
        """Drops every temporary table."""
        named = self.connection.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()
        for (name,) in named:
            self.connection.execute(f"DROP TABLE temp.{identifier(name)}")

    def columns(self, name: str) -> list[str]:
        """The columns of a table or view."""
        return [row[0] for row in self.connection.execute(f"DESCRIBE {identifier(name)}").fetchall()]

    def _present(self, table: Table) -> None:
        relation = self.activity.relation(table.name)
        rows = self.activity.tables.get(table.name)
        if relation is None:
            self.register(f"_{table.name}", rows if isinstance(rows, pa.Table) else table.arrow_schema.empty_table())
            relation = identifier(f"_{table.name}")
        described = self.connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        given = {row[0] for row in described}
        columns = ", ".join(_presented(c, given) for c in table.columns)
        known = f"greatest(coalesce(epoch_us(ingested_at), epoch_us({table.time})), epoch_us({table.time}))"
        if "ingested_at" not in given:
            known = f"epoch_us({table.time})"
        self.view(table.name, f"SELECT {columns}, {known} AS known_from FROM {relation}")


def _presented(column: Column, given: set[str]) -> str:
    name = identifier(column.name)
    wanted = "BIGINT" if column.kind == "time" else sql_type(column)
    if column.name not in given:
        return f"CAST(NULL AS {wanted}) AS {name}"
    return (
        f"epoch_us(CAST({name} AS TIMESTAMPTZ)) AS {name}"
        if column.kind == "time"
        else f"CAST({name} AS {wanted}) AS {name}"
    )


def compiled(expression: ir.Table) -> str:
    """The expression as DuckDB SQL."""
    return str(ibis.to_sql(expression, dialect="duckdb"))
