"""Judges well-formed rows against the others: unknown accounts, duplicates, corrections, ties."""

import duckdb

from features.activity.checking import sql_type
from features.activity.clocks import Clocks
from features.activity.files import identifier, quote
from features.activity.lake import Lake
from features.activity.revisions import REVISION, VERSIONED, key_columns, laxity, read_files, row_text
from features.activity.schema import Table

UNKNOWN_ACCOUNT = "unknown account"
NOT_LATER = "known key with other content and no later ingested_at"
TIE = "tie: the row of this key with other content and the same ingested_at that restricts more was accepted"
RETRIED = "(retried)"


def held_rows(connection: duckdb.DuckDBPyConnection, table: Table, lake: Lake) -> str | None:
    """SQL of the rows of a table that the lake holds, typed as declared, with `_revision`; None where it holds none."""
    files = lake.snapshot().files.get(table.name, ()) if lake.version else ()
    if not files:
        return None
    relation = read_files(files)
    given = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
    columns = [(c.name, sql_type(c)) for c in table.columns]
    typed = ", ".join(
        f"CAST({identifier(name) if name in given else 'NULL'} AS {kind}) AS {identifier(name)}"
        for name, kind in columns
    )
    revision = f"coalesce({REVISION}, 0)" if REVISION in given else "0"
    return f"(SELECT {typed}, CAST({revision} AS BIGINT) AS {REVISION} FROM {relation})"


def refuse_unknown_accounts(connection: duckdb.DuckDBPyConnection, table: Table, lake: Lake) -> None:
    """Gives a reason to rows that refer to an account which neither the lake nor this import knows."""
    imported = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'checked_accounts'").fetchall()
    here = "SELECT account_id FROM checked_accounts WHERE _reason IS NULL" if imported else None
    files = lake.snapshot().files.get(VERSIONED, ()) if lake.version else ()
    there = f"SELECT account_id FROM {read_files(files)}" if files else None
    known = " UNION ".join(filter(None, (here, there))) or "SELECT NULL WHERE false"
    for column in (c.name for c in table.columns if c.kind == "account"):
        unknown = f"NOT EXISTS (SELECT 1 FROM ({known}) AS known(id) WHERE known.id = {column})"
        refuse(connection, table, f"{column}: {UNKNOWN_ACCOUNT}", unknown)


def judge_keys(connection: duckdb.DuckDBPyConnection, table: Table, lake: Lake, clocks: Clocks) -> None:
    """Fills `verdict_<table>` for every row whose key occurs again, in the import or in the lake.

    `_verdict` is accepted, duplicate, tie or not later, the latter two also being reasons; `_revision` numbers the
    accepted rows of a key, `_redated` marks those that restrict more than the held row of the same moment, and
    `_owners` names the owners of the rows that tied with an accepted account. A row that is not there is accepted.
    """
    held = held_rows(connection, table, lake)
    _collect_rivals(connection, table, held, clocks)
    connection.execute(f"CREATE TABLE verdict_{table.name} AS {_verdicts(table)}")
    for verdict, reason in (("tie", TIE), ("not later", NOT_LATER)):
        refused = f"rowid IN (SELECT _id FROM verdict_{table.name} WHERE _verdict = {quote(verdict)})"
        refuse(connection, table, reason, refused)


def refuse(connection: duckdb.DuckDBPyConnection, table: Table, reason: str, where: str) -> None:
    """Gives a reason to those of the good rows for which the SQL condition holds, and keeps what they said."""
    packed = ", ".join(f"{identifier(c.name)} := {identifier(c.name)}" for c in table.columns)
    connection.execute(
        f"UPDATE checked_{table.name} SET _reason = {quote(reason)}, "
        f"_original = CAST(to_json(struct_pack({packed})) AS VARCHAR) WHERE _reason IS NULL AND {where}"
    )


def _collect_rivals(connection: duckdb.DuckDBPyConnection, table: Table, held: str | None, clocks: Clocks) -> None:
    """Fills `rivals_<table>` with the rows whose keys may repeat: a hash preselects, the keys themselves decide."""
    keys = key_columns(table)
    hashed = f"hash({', '.join(keys.values())})"
    good = f"SELECT {hashed} AS _hash FROM checked_{table.name} WHERE _reason IS NULL"
    known = f"UNION SELECT _hash FROM (SELECT {hashed} AS _hash FROM {held}) SEMI JOIN ({good}) USING (_hash)"
    connection.execute(
        f"CREATE TABLE suspects_{table.name} AS "
        f"SELECT _hash FROM ({good}) GROUP BY _hash HAVING count(*) > 1 {known if held else ''}"
    )
    named = ", ".join(f"{sql} AS {identifier('_key_' + name)}" for name, sql in keys.items())
    content = f"{row_text(table)} AS _text, {laxity(table)} AS _laxity"
    owner = f"{'owner_id' if table.name == VERSIONED else 'NULL::VARCHAR'} AS _owner"
    suspect = f"{hashed} IN (SELECT _hash FROM suspects_{table.name})"
    happened = identifier(str(table.time))
    connection.execute(
        f"CREATE TABLE rivals_{table.name} AS SELECT rowid AS _id, {named}, {clocks.claimed(table)} AS _clock, "
        f"NULL::BIGINT AS {REVISION}, {content}, {owner}, _origin = {quote(RETRIED)} AS _again, _origin, _row "
        f"FROM checked_{table.name} WHERE _reason IS NULL AND {suspect}"
    )
    if held:
        connection.execute(
            f"INSERT INTO rivals_{table.name} SELECT NULL, {named}, coalesce(ingested_at, {happened}), {REVISION}, "
            f"{content}, {owner}, false, NULL, NULL FROM {held} WHERE {suspect}"
        )


def _verdicts(table: Table) -> str:
    """SQL of the verdicts on the rivals.

    Rows of a key are taken in the order of their clocks: one that says what the row before it says is a duplicate, as
    is one that claims no later clock than the newest held row and says what any held row says.
    """
    names = [identifier("_key_" + name) for name in table.key]
    keys = ", ".join(names)
    newest = f"struct_pack(revision := {REVISION}, clock := _clock)"

    def same(one: str, other: str) -> str:
        return " AND ".join(f"{one}.{name} IS NOT DISTINCT FROM {other}.{name}" for name in names)

    return f"""
    WITH held AS (
        SELECT {keys}, max(_clock) AS _newest, max({REVISION}) AS _last, arg_max(_text, {newest}) AS _held_text,
               arg_max(_laxity, {newest}) AS _held_laxity
        FROM rivals_{table.name} WHERE _id IS NULL GROUP BY ALL),
    said AS (SELECT DISTINCT {keys}, _text FROM rivals_{table.name} WHERE _id IS NULL),
    compared AS (
        SELECT r.*, h._last, h._held_text, said._text IS NOT NULL AS _is_said, r._clock <= h._newest AS _is_not_later,
               r._clock = h._newest AND (r._laxity < h._held_laxity OR (r._laxity = h._held_laxity
                                         AND r._text > h._held_text)) AS _restricts_more,
               r._clock = h._newest AS _is_tie
        FROM rivals_{table.name} AS r LEFT JOIN held AS h ON {same("r", "h")}
        LEFT JOIN said ON {same("r", "said")} AND said._text = r._text
        WHERE r._id IS NOT NULL),
    passed AS (
        SELECT * FROM compared WHERE _last IS NULL OR NOT _is_not_later OR (_restricts_more AND NOT _is_said)),
    placed AS (
        SELECT *, row_number() OVER best AS _place, first_value(_text) OVER best AS _best,
               list(_owner) OVER (PARTITION BY {keys}, _clock) AS _owners
        FROM passed
        WINDOW best AS (PARTITION BY {keys}, _clock ORDER BY _laxity, _text DESC, _again, _origin, _row, _id)),
    changes AS (
        SELECT *, coalesce(lag(_text) OVER (PARTITION BY {keys} ORDER BY _clock), _held_text)
                  IS NOT DISTINCT FROM _text AS _is_same
        FROM placed WHERE _place = 1),
    counted AS (
        SELECT *, count(*) FILTER (NOT _is_same) OVER (PARTITION BY {keys} ORDER BY _clock) AS _changes FROM changes)
    SELECT _id, CASE WHEN _is_said THEN 'duplicate' WHEN _is_tie THEN 'tie' ELSE 'not later' END AS _verdict,
           0 AS {REVISION}, false AS _redated, NULL::VARCHAR[] AS _owners
    FROM compared ANTI JOIN passed USING (_id)
    UNION ALL
    SELECT _id, CASE WHEN _text = _best THEN 'duplicate' ELSE 'tie' END, 0, false, NULL FROM placed WHERE _place > 1
    UNION ALL
    SELECT _id, CASE WHEN _is_same THEN 'duplicate' ELSE 'accepted' END, coalesce(_last + 1, 0) + _changes - 1,
           coalesce(_is_tie, false), list_distinct(list_filter(_owners, lambda owner: owner IS DISTINCT FROM _owner))
    FROM counted"""
