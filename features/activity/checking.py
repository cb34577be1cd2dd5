"""Checks rows against the contract of their table: typed values, or the reason why a row is set aside."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from features.activity.bounds import EARLIEST_EVENT, EARLIEST_YEAR, LATEST_YEAR
from features.activity.columns import Column, Table
from features.activity.files import BROKEN, identifier, quote
from features.activity.identifiers import COUNTRY_RULE, ID_RULE, is_blank_sql, is_country_sql, is_id_sql

SQL_TYPES = {"int": "BIGINT", "bool": "BOOLEAN", "time": "TIMESTAMPTZ"}
NUMERIC_KINDS = {"float", "positive", "non_negative", "share"}
TEXTUAL_TYPES = ("VARCHAR", "BLOB", "UUID", "JSON", "ENUM")
SIGNED_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
INTEGRAL_TYPES = (*SIGNED_TYPES, "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "BIGNUM")
FRACTIONAL_TYPES = ("FLOAT", "DOUBLE", "DECIMAL")
MOMENT_TYPES = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP_US", "TIMESTAMP WITH TIME ZONE")
READ_AS = {
    "VARCHAR": TEXTUAL_TYPES + INTEGRAL_TYPES,
    "DOUBLE": ("VARCHAR", *INTEGRAL_TYPES, *FRACTIONAL_TYPES),
    "BIGINT": ("VARCHAR", *INTEGRAL_TYPES, *FRACTIONAL_TYPES),
    "BOOLEAN": ("VARCHAR", "BOOLEAN", *INTEGRAL_TYPES, *FRACTIONAL_TYPES),
    "TIMESTAMPTZ": ("VARCHAR", *MOMENT_TYPES),
}
MOMENT_TEXT = (
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)"  # ISO 8601 with Z or an offset
)
MAY_ARRIVE_EARLY = "INTERVAL 1 SECOND"
NO_MOMENT = "not a moment in ISO 8601 with an offset or Z, such as 2025-05-30T03:12:00Z"
NO_EPOCH = "a number where a moment is wanted; a mapping may declare it as seconds, milliseconds or microseconds"


def sql_type(column: Column) -> str:
    """The DuckDB type of a column of the lake."""
    return "DOUBLE" if column.kind in NUMERIC_KINDS else SQL_TYPES.get(column.kind, "VARCHAR")


def checked_rows(
    table: Table, relation: str, source: Mapping[str, str], origin: str, imported_at: datetime | None = None
) -> str:
    """SQL that yields every source row typed, with `_reason` (null where the row keeps the contract).

    Args:
        table: the contract.
        relation: SQL with the source columns and `_row`; with `BROKEN` among them, lines that are no rows too.
        source: the source's columns and their engine types.
        origin: the file the rows come from, for the quarantine.
        imported_at: the moment of the import, after which nothing in it can have happened; None asks no clock.

    Returns:
        A SELECT with the table's columns, `_origin`, `_row`, `_reason` and, for bad rows, `_original` (JSON).
    """
    given = {column.name: source[column.name] for column in table.columns if column.name in source}
    raw = {c.name: _given(c, given[c.name]) if c.name in given else "NULL" for c in table.columns}
    typed = ", ".join(
        f"{_typed(c, raw[c.name], given.get(c.name, 'NULL'))} AS {identifier(c.name)}" for c in table.columns
    )
    keep = ", ".join(f"{raw[name]} AS {identifier('_raw_' + name)}" for name in given)
    packed = ", ".join(f"{identifier(name)} := {identifier('_raw_' + name)}" for name in given)
    original = f"struct_pack({packed})" if given else "NULL"
    names = ", ".join(identifier(c.name) for c in table.columns)
    reasons = "\n".join(_when(condition, reason) for condition, reason in _reasons(table, given, imported_at))
    broken = ""
    if BROKEN in source:
        reasons = f"WHEN {BROKEN} IS NOT NULL THEN {BROKEN}.reason\n{reasons}"
        keep = ", ".join(filter(None, (keep, f"r.{BROKEN}")))
        broken = f"WHEN {BROKEN} IS NOT NULL THEN CAST(to_json({BROKEN}) AS VARCHAR)"
    return f"""
    SELECT {names}, {quote(origin)} AS _origin, _row, _reason,
           CASE {broken} WHEN _reason IS NOT NULL THEN CAST(to_json({original}) AS VARCHAR) END AS _original
    FROM (SELECT *, CASE {reasons} END AS _reason
          FROM (SELECT {", ".join(filter(None, (typed, keep)))}, r._row AS _row FROM {relation} AS r))"""


def _given(column: Column, source_type: str) -> str:
    """The value as the source has it; where null is allowed, a text of blanks says no more than null does."""
    raw = f"r.{identifier(column.name)}"
    if column.required or _family(source_type) not in TEXTUAL_TYPES:
        return raw
    text = raw if source_type == "VARCHAR" else f"CAST({raw} AS VARCHAR)"
    return f"CASE WHEN {is_blank_sql(text)} THEN NULL ELSE {text} END"


def _family(source_type: str) -> str:
    return source_type if source_type.endswith("]") else source_type.partition("(")[0]


def _typed(column: Column, raw: str, source_type: str) -> str:
    """The value as its column wants it, or null: to round a number or to write out a list would be a guess."""
    wanted, family = sql_type(column), _family(source_type)
    if family not in READ_AS[wanted]:
        return f"CAST(NULL AS {wanted})"
    cast = f"TRY_CAST({raw} AS {wanted})"
    if wanted == "BIGINT" and family not in INTEGRAL_TYPES:
        return f"CASE WHEN TRY_CAST({raw} AS DOUBLE) = round(TRY_CAST({raw} AS DOUBLE)) THEN {cast} END"
    if wanted == "BOOLEAN" and family in INTEGRAL_TYPES + FRACTIONAL_TYPES:
        return f"CASE {raw} WHEN 0 THEN false WHEN 1 THEN true END"
    if wanted == "TIMESTAMPTZ" and family == "VARCHAR":
        return f"CASE WHEN regexp_full_match({raw}, {quote(MOMENT_TEXT)}) THEN {cast} END"
    return cast


def _reasons(table: Table, given: Mapping[str, str], imported_at: datetime | None) -> Iterator[tuple[str, str]]:
    """What is wrong with a row, as (SQL condition over the typed columns, sentence), the most telling first."""
    for column in table.columns:
        name = identifier(column.name)
        if column.name in given:
            original = identifier("_raw_" + column.name)
            yield f"{name} IS NULL AND {original} IS NOT NULL", f"{column.name}: {_fault(column, given[column.name])}"
        if column.required:
            empty = f"{name} IS NULL" + (f" OR {is_blank_sql(name)}" if sql_type(column) == "VARCHAR" else "")
            yield empty, f"{column.name}: missing although required"
        if column.kind == "enum":
            words = ", ".join(quote(word) for word in column.values)
            yield f"{name} NOT IN ({words})", f"{column.name}: unknown value"
        if column.is_id:
            yield f"NOT {is_id_sql(name)}", f"{column.name}: no id; an id has {ID_RULE}"
        if column.form in ("country", "listed"):
            concerned = "true" if column.form == "country" else "kind = 'country'"
            yield f"{concerned} AND NOT {is_country_sql(name)}", f"{column.name}: {COUNTRY_RULE}"
        yield from _numeric_reasons(column, name)
    yield from ((f"NOT ({condition})", sentence) for condition, sentence in table.rules)
    # The ingestion comes first: what the other moments are compared with has to lie inside its own bounds.
    for column in sorted(table.columns, key=lambda column: column.name != "ingested_at"):
        if column.kind == "time":
            yield from _moment_reasons(column, imported_at)


def _fault(column: Column, source_type: str) -> str:
    if column.kind != "time":
        return "wrong type"
    return NO_EPOCH if _family(source_type) in INTEGRAL_TYPES + FRACTIONAL_TYPES else NO_MOMENT


def _numeric_reasons(column: Column, name: str) -> Iterator[tuple[str, str]]:
    if column.kind in NUMERIC_KINDS:
        yield f"NOT isfinite({name})", f"{column.name}: not a finite number"
    if column.kind == "positive":
        yield f"{name} <= 0", f"{column.name}: not positive"
    if column.kind == "non_negative":
        yield f"{name} < 0", f"{column.name}: negative"
    if column.limits:
        yield column.limits.broken_sql(name), f"{column.name}: {column.limits.says}"


def _moment_reasons(column: Column, imported_at: datetime | None) -> Iterator[tuple[str, str]]:
    name = identifier(column.name)
    least, most = f"TIMESTAMPTZ '{EARLIEST_YEAR}-01-01 00:00:00Z'", f"TIMESTAMPTZ '{LATEST_YEAR + 1}-01-01 00:00:00Z'"
    yield f"{name} < {least} OR {name} >= {most}", f"{column.name}: not of the years {EARLIEST_YEAR} to {LATEST_YEAR}"
    if not column.is_event_clock:
        return
    yield f"{name} < TIMESTAMPTZ '{EARLIEST_EVENT} 00:00:00Z'", f"{column.name}: before {EARLIEST_EVENT}"
    if column.name != "ingested_at":
        yield f"{name} > ingested_at + {MAY_ARRIVE_EARLY}", f"{column.name}: after its own ingestion"
    if imported_at is not None:
        now = f"TIMESTAMPTZ {quote(imported_at.isoformat())}"
        yield f"{name} > {now} + {MAY_ARRIVE_EARLY}", f"{column.name}: after the moment of the import"


def _when(condition: str, reason: str) -> str:
    return f"WHEN {condition} THEN {quote(reason)}"
