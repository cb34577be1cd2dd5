"""Runs the expressions: DuckDB, embedded, over activity presented with times as integer microseconds."""

import shutil
import weakref
from collections.abc import Sequence
from typing import Any

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from features.activity.bounds import MAX_SUM, MAX_USD
from features.activity.checking import sql_type
from features.activity.files import identifier
from features.activity.identifiers import comparable_sql, is_stand_in_sql, listed_sql
from features.activity.memory import connect
from features.activity.revisions import TIED_OWNERS, VERSIONED
from features.activity.schema import TABLES, Column, Table
from features.activity.snapshot import Activity
from features.engines.ceilings import Ceiling
from features.engines.compiling import KeptSql, compiled
from features.kernel.claims import claimed_folder

TEMPORARY = "mscore-duckdb-"
MAX_UNITS = 1e30

# What a lake holds from before there were bounds must not stop the rest: money and sums are held within 64 bits, with
# room for adding two of them, and what is no number counts as 0.
MACROS = (
    f"CREATE OR REPLACE MACRO micro_usd(x) AS CASE WHEN isfinite(x) THEN "
    f"CAST(round(least(greatest(x, -{MAX_USD!r}), {MAX_USD!r}) * 1000000) AS BIGINT) WHEN x IS NOT NULL THEN 0 END",
    f"CREATE OR REPLACE MACRO cents_usd(x) AS CASE WHEN isfinite(x) THEN "
    f"CAST(round(least(greatest(x, -{MAX_USD!r}), {MAX_USD!r}) * 100) AS BIGINT) WHEN x IS NOT NULL THEN 0 END",
    f"CREATE OR REPLACE MACRO in_64_bits(x) AS "
    f"CAST(CASE WHEN x > {MAX_SUM} THEN {MAX_SUM} WHEN x < -{MAX_SUM} THEN -{MAX_SUM} ELSE x END AS BIGINT)",
    f"CREATE OR REPLACE MACRO in_128_bits(x) AS CASE WHEN isfinite(x) THEN "
    f"CAST(round(least(greatest(x, -{MAX_UNITS!r}), {MAX_UNITS!r})) AS HUGEINT) WHEN x IS NOT NULL THEN 0 END",
)

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
    Steps note in `ceilings` what they leave out.
    """

    def __init__(self, activity: Activity, moment: int | None = None) -> None:
        """An engine over the activity as it stood at a moment, in microseconds, or with all that is known of it."""
        self.activity = activity
        self.moment = moment
        self.ceilings: list[Ceiling] = []
        self.sql = KeptSql(activity.derived.parent if activity.derived else None)
        self._is_numbered = False
        self._claim = claimed_folder(TEMPORARY)
        folder = self._claim.folder
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.connection = connect(folder / "derived.duckdb", folder)
        # Sorted by account, clocks look like runs to DuckDB, which then takes a fifth longer to read than packed bits.
        self.connection.execute("SET force_compression = 'bitpacking'")
        self.odd_accounts: tuple[str, ...] = ()
        for macro in MACROS:
            self.connection.execute(macro)
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
        if not self._is_numbered:  # even where the table is there, DuckDB takes time to plan the statement
            self.connection.execute(NUMBER_ACCOUNTS)
            self._is_numbered = True

    def create_fact(self, name: str, rows: ir.Table | str) -> None:
        """Materialises the rows of a fact with the `account_no` that spines join by: integers, not text.

        What one account did lies together, oldest first: looking at few accounts reads little.
        """
        self.number_accounts()
        sql = rows if isinstance(rows, str) else compiled(rows)
        numbered = f"SELECT f.*, n.account_no FROM ({sql}) AS f LEFT JOIN account_numbers AS n"
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
        if table.name == "accounts" and "account_id" in given:
            self.odd_accounts = self._odd_accounts(relation)
        columns = ", ".join(self._presented(c, given) for c in table.columns)
        self.view(written_view(table.name), f"SELECT * FROM {relation}")
        if table.name == VERSIONED:
            columns += f", CAST({TIED_OWNERS if TIED_OWNERS in given else 'NULL'} AS VARCHAR[]) AS {TIED_OWNERS}"
        state = self.activity.state(table.name, relation, given, self.moment)
        self.view(table.name, f"SELECT {columns}, known_from FROM {state}")

    def _odd_accounts(self, relation: str) -> tuple[str, ...]:
        """The accounts whose ids look like stand-ins for "unknown": what refers to exactly these refers to somebody."""
        query = f"SELECT DISTINCT account_id FROM {relation} WHERE {is_stand_in_sql('account_id')} ORDER BY 1"
        return tuple(text for (text,) in self.connection.execute(query).fetchall())

    def _presented(self, column: Column, given: set[str]) -> str:
        """A column as every fact reads it: moments as microseconds, identifiers in the form in which they compare."""
        name = identifier(column.name)
        wanted = "BIGINT" if column.kind == "time" else sql_type(column)
        if column.name not in given:
            return f"CAST(NULL AS {wanted}) AS {name}"
        if column.kind == "time":
            return f"epoch_us(CAST({name} AS TIMESTAMPTZ)) AS {name}"
        value = f"CAST({name} AS {wanted})"
        if column.form == "listed":
            return f"{listed_sql('kind', value)} AS {name}"
        if column.form:
            but = self.odd_accounts if column.form == "reference" else ()
            return f"{comparable_sql(column.form, value, but)} AS {name}"
        return f"{value} AS {name}"


def written_view(name: str) -> str:
    """The view of a table's rows as they were imported, identifiers as they were written."""
    return f"written_{name}"
