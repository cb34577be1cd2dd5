"""Checks rows against the contract of their table: typed values, or the reason why a row is set aside."""

from collections.abc import Mapping

from features.activity.files import identifier, quote
from features.activity.schema import Column, Table

SQL_TYPES = {"int": "BIGINT", "bool": "BOOLEAN", "time": "TIMESTAMPTZ"}
NUMERIC_KINDS = {"float", "positive", "non_negative", "share"}
TEXTUAL_TYPES = ("VARCHAR", "BLOB", "UUID", "JSON", "ENUM")
INTEGRAL_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
FRACTIONAL_TYPES = ("FLOAT", "DOUBLE", "DECIMAL")
MAY_ARRIVE_EARLY = "INTERVAL 1 SECOND"
EARLIEST, LATEST = "TIMESTAMPTZ '0001-01-01 00:00:00Z'", "TIMESTAMPTZ '9999-12-31 23:59:59.999999Z'"


def sql_type(column: Column) -> str:
    """The DuckDB type of a column of the lake."""
    return "DOUBLE" if column.kind in NUMERIC_KINDS else SQL_TYPES.get(column.kind, "VARCHAR")


def checked_rows(table: Table, relation: str, source: Mapping[str, str], origin: str) -> str:
    """SQL that yields every source row typed, with `_reason` (null where the row keeps the contract).

    Args:
        table: the contract.
        relation: SQL with the source columns and `_row`.
        source: the source's columns and their engine types.
        origin: the file the rows come from, for the quarantine.

    Returns:
        A SELECT with the table's columns, `_origin`, `_row`, `_reason` and, for bad rows, `_original` (JSON).
    """
    given = {column.name for column in table.columns} & source.keys()
    raw = {c.name: f"r.{identifier(c.name)}" if c.name in given else "NULL" for c in table.columns}
    typed = ", ".join(
        f"{_typed(c, raw[c.name], source.get(c.name, 'NULL'))} AS {identifier(c.name)}" for c in table.columns
    )
    keep = ", ".join(f"{raw[c.name]} AS {identifier('_raw_' + c.name)}" for c in table.columns if c.name in given)
    original = ", ".join(
        f"{identifier(c.name)} := {identifier('_raw_' + c.name)}" for c in table.columns if c.name in given
    )
    names = ", ".join(identifier(c.name) for c in table.columns)
    reasons = "\n".join(_reasons(table, given))
    return f"""
    SELECT {names}, {quote(origin)} AS _origin, _row, _reason,
           CASE WHEN _reason IS NOT NULL THEN CAST(to_json(struct_pack({original})) AS VARCHAR) END AS _original
    FROM (SELECT *, CASE {reasons} END AS _reason
          FROM (SELECT {typed}, {keep}, r._row AS _row FROM {relation} AS r))"""


def _typed(column: Column, raw: str, source_type: str) -> str:
    """The value as its column wants it, or null: to round a number or to write out a list would be a guess."""
    wanted = sql_type(column)
    kind = source_type.partition("(")[0]
    cast = f"TRY_CAST({raw} AS {wanted})"
    if wanted == "VARCHAR":
        return cast if kind in TEXTUAL_TYPES + INTEGRAL_TYPES else "CAST(NULL AS VARCHAR)"
    if column.kind == "int" and kind not in INTEGRAL_TYPES:
        return f"CASE WHEN TRY_CAST({raw} AS DOUBLE) = round(TRY_CAST({raw} AS DOUBLE)) THEN {cast} END"
    if column.kind == "bool" and kind in INTEGRAL_TYPES + FRACTIONAL_TYPES:
        return f"CASE {raw} WHEN 0 THEN false WHEN 1 THEN true END"
    if column.kind == "time":
        return f"CASE WHEN {cast} BETWEEN {EARLIEST} AND {LATEST} THEN {cast} END"
    return cast


def _reasons(table: Table, given: set[str]) -> list[str]:
    cases: list[str] = []
    for column in table.columns:
        name = identifier(column.name)
        original = identifier("_raw_" + column.name)
        if column.name in given:
            cases.append(_when(f"{name} IS NULL AND {original} IS NOT NULL", f"{column.name}: wrong type"))
        if column.required:
            empty = f"{name} IS NULL" + (f" OR {name} = ''" if sql_type(column) == "VARCHAR" else "")
            cases.append(_when(empty, f"{column.name}: missing although required"))
        if column.kind == "enum":
            words = ", ".join(quote(word) for word in column.values)
            cases.append(_when(f"{name} NOT IN ({words})", f"{column.name}: unknown value"))
        if column.kind in NUMERIC_KINDS:
            cases.append(_when(f"NOT isfinite({name})", f"{column.name}: not a finite number"))
        if column.kind == "positive":
            cases.append(_when(f"{name} <= 0", f"{column.name}: not positive"))
        if column.kind == "non_negative":
            cases.append(_when(f"{name} < 0", f"{column.name}: negative"))
        if column.kind == "share":
            cases.append(_when(f"{name} NOT BETWEEN 0 AND 1", f"{column.name}: not between 0 and 1"))
    cases.extend(_when(f"NOT ({condition})", sentence) for condition, sentence in table.rules)
    if table.time:
        early = f"{identifier(table.time)} > ingested_at + {MAY_ARRIVE_EARLY}"
        cases.append(_when(early, f"{table.time}: after its own ingestion"))
    return cases


def _when(condition: str, reason: str) -> str:
    return f"WHEN {condition} THEN {quote(reason)}"
