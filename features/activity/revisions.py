"""Which version of a row holds as of a moment, where rows of one key correct or cancel each other."""

from collections.abc import Collection

import duckdb
import pyarrow as pa

from features.activity.files import identifier, quote
from features.activity.identifiers import listed_sql, spelt_sql
from features.activity.schema import Table

REVISION = "_revision"
CLAIMED = "_claimed_at"
"""When a row says that it was learned of, where it counts from its import instead."""
TIED_OWNERS = "_tied_owners"
VERSIONED = "accounts"
"""The table whose rows of one key are versions that hold one after another: all of them count, each from its moment."""
OPEN_ENDS = ("effective_to", "expires_at", "valid_to", "lifted_at")
NOT_CONTENT = ("ingested_at", "cancelled")


def key_columns(declared: Table) -> dict[str, str]:
    """By key column the SQL expression by which rows are compared: the form in which detection compares it, too."""
    forms = {column.name: column.form for column in declared.columns}
    return {name: _compared(name, forms[name]) for name in declared.key}


def _compared(name: str, form: str | None) -> str:
    if form == "listed":
        return listed_sql("kind", identifier(name))
    return spelt_sql(form, identifier(name)) if form else identifier(name)


def content(declared: Table) -> str:
    """SQL of what a row says, as one value that is equal for equal content; null for a cancelled row."""
    packed = ", ".join(
        f"{identifier(c.name)} := {identifier(c.name)}" for c in declared.columns if c.name not in NOT_CONTENT
    )
    cancelled = any(c.name == "cancelled" for c in declared.columns)
    return f"CASE WHEN cancelled IS NOT TRUE THEN struct_pack({packed}) END" if cancelled else f"struct_pack({packed})"


def laxity(declared: Table) -> str:
    """SQL of a list that is least for the row that restricts most: of rows known at one moment that row is accepted."""
    names = {column.name for column in declared.columns}
    parts = ["CAST(coalesce(cancelled, false) AS INTEGER)"] if "cancelled" in names else ["0"]
    parts += ["CAST(market_maker AS INTEGER)"] if "market_maker" in names else []
    parts += [f"CAST({name} IS NOT NULL AS INTEGER)" for name in OPEN_ENDS if name in names]
    return f"[{', '.join(parts)}]"


def known_from(declared: Table, given: Collection[str]) -> str:
    """SQL of the microsecond from which a row is known: learned of, and happened."""
    happened = _microseconds(str(declared.time))
    return (
        f"greatest(coalesce({_microseconds('ingested_at')}, {happened}), {happened})"
        if "ingested_at" in given
        else happened
    )


def visible_from(declared: Table, given: Collection[str]) -> str:
    """SQL of the first microsecond t at which features see a row: known by t, and happened before t."""
    return f"greatest({known_from(declared, given)}, {_microseconds(str(declared.time))} + 1)"


def is_revision(declared: Table, given: Collection[str]) -> str:
    """SQL condition of the rows that change what earlier rows say, instead of adding to it."""
    cancels = " AND cancelled" if declared.name == VERSIONED and "cancelled" in given else ""
    if REVISION not in given or (declared.name == VERSIONED and not cancels):
        return "false"
    return f"{REVISION} > 0{cancels}"


def state_as_of(declared: Table, relation: str, given: Collection[str], moment: int | None) -> str:
    """SQL of what holds as of a moment: the rows of a relation, each with `known_from`, without what is superseded.

    A key with revisions that are visible at the moment gives one row, its newest version, known since the first
    visible one was known, or no row where that version is cancelled. Every other key gives its first row, also where
    that becomes known only later: who asks for a later moment, before the next revision, filters by `known_from`.
    Of `accounts`, where versions hold one after another, all those count that no visible cancellation takes back.

    Args:
        declared: the table.
        relation: SQL that gives all its rows, with `_revision` where rows of one key repeat.
        given: the columns that the relation has.
        moment: microseconds since 1970; None for what holds in the end.
    """
    known_at = known_from(declared, given)
    stands = "cancelled IS NOT TRUE" if "cancelled" in given else "true"
    if REVISION not in given:
        return f"(SELECT *, {known_at} AS known_from FROM {relation} WHERE {stands})"
    keys = key_columns(declared)
    is_visible = "true" if moment is None else f"{visible_from(declared, given)} <= {moment}"
    named = ", ".join(f"{sql} AS {identifier('_key_' + name)}" for name, sql in keys.items())
    same = " AND ".join(f"x.{identifier('_key_' + n)} IS NOT DISTINCT FROM r.{identifier('_key_' + n)}" for n in keys)
    added_columns = ", ".join(identifier("_key_" + name) for name in keys)
    keyed = f"(SELECT *, {named}, {known_at} AS known_from FROM {relation})"
    changes = f"{is_revision(declared, given)} AND {is_visible}"
    revised = f"(SELECT {named}, max({REVISION}) AS _last FROM {relation} WHERE {changes} GROUP BY ALL)"
    if declared.name == VERSIONED:
        return (
            f"(SELECT x.* EXCLUDE ({added_columns}) FROM {keyed} AS x LEFT JOIN {revised} AS r ON {same} "
            f"WHERE {stands} AND (r._last IS NULL OR coalesce(x.{REVISION}, 0) > r._last))"
        )
    return f"""(
        SELECT x.* EXCLUDE ({added_columns}) FROM {keyed} AS x ANTI JOIN {revised} AS r ON {same}
        WHERE coalesce(x.{REVISION}, 0) = 0 AND {stands}
        UNION ALL BY NAME
        SELECT * EXCLUDE (_first) REPLACE (greatest(_first, {_microseconds(str(declared.time))}) AS known_from) FROM (
            SELECT x.* EXCLUDE ({added_columns}), min(known_from) OVER (PARTITION BY {added_columns}) AS _first
            FROM {keyed} AS x SEMI JOIN {revised} AS r ON {same} WHERE {is_visible}
            QUALIFY row_number() OVER (PARTITION BY {added_columns} ORDER BY coalesce({REVISION}, 0) DESC) = 1)
        WHERE {stands})"""


def numbered(connection: duckdb.DuckDBPyConnection, declared: Table, rows: pa.Table) -> pa.Table:
    """Rows held in memory, with `_revision` where a key repeats: from when each is known, the most restrictive last.

    A row that repeats what the one before it says is left out, as an import does.
    """
    if not rows.num_rows or declared.time is None:
        return rows
    connection.register("given", rows)
    keys = ", ".join(key_columns(declared).values())
    repeated = connection.execute(f"SELECT 1 FROM given GROUP BY {keys} HAVING count(*) > 1 LIMIT 1").fetchall()
    if not repeated:
        return rows
    known_at = known_from(declared, rows.column_names)
    names = ", ".join(identifier(name) for name in rows.column_names)
    order = f"PARTITION BY {keys} ORDER BY _known, _laxity DESC, CAST(to_json(_content) AS VARCHAR)"
    numbered_rows = connection.sql(f"""
        WITH given_rows AS (
            SELECT *, row_number() OVER () AS _place, {known_at} AS _known, {laxity(declared)} AS _laxity,
                   {content(declared)} AS _content FROM given),
        changes AS (
            SELECT * FROM given_rows WINDOW by_clock AS ({order})
            QUALIFY row_number() OVER by_clock = 1 OR _content IS DISTINCT FROM lag(_content) OVER by_clock)
        SELECT {names}, CAST(row_number() OVER ({order}) - 1 AS BIGINT) AS {REVISION} FROM changes ORDER BY _place
    """).to_arrow_table()
    return numbered_rows.cast(declared.arrow_schema.append(pa.field(REVISION, pa.int64())))


def _microseconds(column: str) -> str:
    return f"epoch_us(CAST({identifier(column)} AS TIMESTAMPTZ))"


def read_files(files: Collection[str]) -> str:
    """SQL that reads Parquet files of one table, whose columns may differ."""
    return f"read_parquet([{', '.join(map(quote, files))}], union_by_name = true)"
