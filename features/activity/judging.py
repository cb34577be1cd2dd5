"""Judges well-formed rows against the others: unknown accounts, duplicates, and known keys with other content."""

from collections.abc import Iterable

import duckdb

from features.activity.files import identifier, quote
from features.activity.lake import Lake
from features.activity.schema import Table

UNKNOWN_ACCOUNT = "unknown account"
OTHER_CONTENT = "known key with other content"
RETRIED = "(retried)"
NOTHING_KNOWN = "SELECT NULL::UBIGINT AS _key, NULL::UBIGINT AS _content WHERE false"


def lake_rows(lake: Lake, table: str, columns: str) -> str | None:
    """SQL over the rows of a table that the lake holds already, or None where it holds none."""
    files = lake.snapshot().files.get(table, ()) if lake.version else ()
    if not files:
        return None
    return f"SELECT {columns} FROM read_parquet([{', '.join(map(quote, files))}], union_by_name = true)"


def refuse_unknown_accounts(engine: duckdb.DuckDBPyConnection, table: Table, lake: Lake) -> None:
    """Gives a reason to rows that refer to an account which neither the lake nor this import knows."""
    imported = engine.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'checked_accounts'").fetchall()
    here = "SELECT account_id FROM checked_accounts WHERE _reason IS NULL" if imported else None
    there = lake_rows(lake, "accounts", "account_id")
    known = " UNION ALL ".join(filter(None, (here, there))) or "SELECT NULL WHERE false"
    for column in (c.name for c in table.columns if c.kind == "account"):
        unknown = f"NOT EXISTS (SELECT 1 FROM ({known}) AS known(id) WHERE known.id = {column})"
        _refuse(engine, table, f"{column}: {UNKNOWN_ACCOUNT}", f"_reason IS NULL AND {unknown}")


def refuse_known_keys(engine: duckdb.DuckDBPyConnection, table: Table, lake: Lake) -> None:
    """Fills `refused_<table>` with repeated keys (`_same` content or not) and gives the others a reason.

    A row counts as the same whenever its content is, also if it was ingested at another time.
    """
    content = [c.name for c in table.columns if c.name != "ingested_at" or c.name in table.key]
    hashes = f"hash({_packed(table.key)}) AS _key, hash({_packed(content)}) AS _content"
    held = lake_rows(lake, table.name, hashes)
    earlier = f"SELECT _key, any_value(_content) AS _content FROM ({held}) GROUP BY _key" if held else NOTHING_KNOWN
    engine.execute(f"""
        CREATE TEMP TABLE refused_{table.name} AS
        WITH good AS (SELECT rowid AS _id, {hashes}, _origin = '{RETRIED}' AS _again
                      FROM checked_{table.name} WHERE _reason IS NULL),
        earlier AS ({earlier}),
        repeated AS (SELECT _key FROM good GROUP BY _key HAVING count(*) > 1),
        ordered AS (SELECT _id, _key, _content, row_number() OVER w AS _place, first_value(_content) OVER w AS _first
                    FROM good SEMI JOIN repeated USING (_key) WINDOW w AS (PARTITION BY _key ORDER BY _again, _id))
        SELECT good._id, good._content = earlier._content AS _same FROM good JOIN earlier USING (_key)
        UNION ALL
        SELECT _id, _content = _first FROM ordered ANTI JOIN earlier USING (_key) WHERE _place > 1""")
    _refuse(engine, table, OTHER_CONTENT, f"rowid IN (SELECT _id FROM refused_{table.name} WHERE NOT _same)")


def _refuse(engine: duckdb.DuckDBPyConnection, table: Table, reason: str, where: str) -> None:
    engine.execute(
        f"UPDATE checked_{table.name} SET _reason = {quote(reason)}, "
        f"_original = CAST(to_json({_packed([c.name for c in table.columns])}) AS VARCHAR) WHERE {where}"
    )


def _packed(names: Iterable[str]) -> str:
    return f"struct_pack({', '.join(f'{identifier(name)} := {identifier(name)}' for name in names)})"
