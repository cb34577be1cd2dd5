"""Judges well-formed rows against the others: unknown accounts, duplicates, corrections, ties."""

from collections.abc import Mapping
from typing import TypeAlias

import duckdb

from features.activity.checking import sql_type
from features.activity.clocks import Clocks
from features.activity.files import identifier, quote
from features.activity.revisions import CLAIMED, REVISION, VERSIONED, content, key_columns, laxity, read_files
from features.activity.schema import Table

UNKNOWN_ACCOUNT = "unknown account"
NOT_LATER = "known key with other content and no later ingested_at"
TIE = "tie: the row of this key with other content and the same ingested_at that restricts more was accepted"
RETRIED = "(retried)"

Held: TypeAlias = Mapping[str, tuple[str, ...]]
"""By table the files that hold its rows in the lake."""


def held_rows(connection: duckdb.DuckDBPyConnection, table: Table, files: Held) -> str | None:
    """SQL of the rows of a table that the lake holds, typed as declared; None where it holds none.

    `_revision` numbers the versions of a key, `_claimed_at` says when a row that was redated was learned of.
    """
    if not files.get(table.name):
        return None
    relation = read_files(files[table.name])
    given = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
    columns = [(c.name, sql_type(c)) for c in table.columns]
    typed = ", ".join(
        f"CAST({identifier(name) if name in given else 'NULL'} AS {kind}) AS {identifier(name)}"
        for name, kind in columns
    )
    revision = f"coalesce({REVISION}, 0)" if REVISION in given else "0"
    claimed = CLAIMED if CLAIMED in given else "NULL"
    return (
        f"(SELECT {typed}, CAST({revision} AS BIGINT) AS {REVISION}, CAST({claimed} AS TIMESTAMPTZ) AS {CLAIMED} "
        f"FROM {relation})"
    )


def refuse_unknown_accounts(connection: duckdb.DuckDBPyConnection, table: Table, files: Held) -> None:
    """Gives a reason to rows that refer to an account which neither the lake nor this import knows."""
    imported = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'checked_accounts'").fetchall()
    here = "SELECT account_id FROM checked_accounts WHERE _reason IS NULL" if imported else None
    there = f"SELECT account_id FROM {read_files(files[VERSIONED])}" if files.get(VERSIONED) else None
    accounts = " UNION ".join(filter(None, (here, there))) or "SELECT NULL WHERE false"
    for column in (c.name for c in table.columns if c.kind == "account"):
        unknown = f"NOT EXISTS (SELECT 1 FROM ({accounts}) AS known(id) WHERE known.id = {column})"
        refuse(connection, table, f"{column}: {UNKNOWN_ACCOUNT}", unknown)


def judge_keys(connection: duckdb.DuckDBPyConnection, table: Table, files: Held, clocks: Clocks) -> None:
    """Fills `verdict_<table>` for every row whose key occurs again, in the import or in the lake.

    `_verdict` is accepted, duplicate, tie or not later, the latter two also being reasons; `_revision` numbers the
    accepted rows of a key, `_redated` marks those that restrict more than the held row of the same moment, and
    `_owners` names the owners of the rows that tied with an accepted account. A row that is not there is accepted.
    """
    rows = held_rows(connection, table, files)
    _collect_suspects(connection, table, rows)
    _collect_rivals(connection, table, rows, clocks)
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


def _collect_suspects(connection: duckdb.DuckDBPyConnection, table: Table, lake_rows: str | None) -> None:
    """Fills `suspects_<table>` with hashes of keys that may occur again, and how often: the keys themselves decide.

    A row that repeats the one held row of its key, as most of a second export do, is known at once: `repeats_<table>`.
    """
    hashed = _hash(table)
    good = f"SELECT {hashed} AS _hash FROM checked_{table.name} WHERE _reason IS NULL"
    in_lake = f"SELECT {hashed} AS _hash FROM {lake_rows}"
    stored = f"UNION ALL SELECT _hash, true FROM ({in_lake}) SEMI JOIN ({good}) USING (_hash)"
    connection.execute(
        f"CREATE TABLE suspects_{table.name} AS SELECT _hash, count(*) = 2 AND count_if(_is_held) = 1 AS _is_pair "
        f"FROM (SELECT _hash, false AS _is_held FROM ({good}) {stored if lake_rows else ''}) "
        "GROUP BY _hash HAVING count(*) > 1"
    )
    connection.execute(f"CREATE TABLE repeats_{table.name} (_id BIGINT, _hash UBIGINT)")
    if lake_rows:
        columns = [c.name for c in table.columns if c.name != "ingested_at"]
        named = [f"coalesce({n}, false)" if n == "cancelled" else identifier(n) for n in columns]
        listed = ", ".join(f"{sql} AS _{n}" for n, sql in enumerate(named))
        same = " AND ".join(f"mine._{n} IS NOT DISTINCT FROM theirs._{n}" for n in range(len(named)))
        mine = f"SELECT rowid AS _id, {hashed} AS _hash, {listed} FROM checked_{table.name} WHERE _reason IS NULL"
        connection.execute(
            f"INSERT INTO repeats_{table.name} SELECT _id, _hash FROM ({mine}) AS mine "
            f"SEMI JOIN (FROM suspects_{table.name} WHERE _is_pair) USING (_hash) "
            f"SEMI JOIN (SELECT {listed} FROM {lake_rows}) AS theirs ON {same}"
        )


def _collect_rivals(connection: duckdb.DuckDBPyConnection, table: Table, lake_rows: str | None, clocks: Clocks) -> None:
    """Fills `rivals_<table>` with the rows to be compared, of the import and of the lake, whose keys may repeat."""
    named = ", ".join(f"{sql} AS {identifier('_key_' + name)}" for name, sql in key_columns(table).items())
    computed = f"{content(table)} AS _content, {laxity(table)} AS _laxity"
    owner = f"{'owner_id' if table.name == VERSIONED else 'NULL::VARCHAR'} AS _owner"
    compared = f"FROM suspects_{table.name} ANTI JOIN repeats_{table.name} USING (_hash)"
    suspect = f"{_hash(table)} IN (SELECT _hash {compared})"
    happened = identifier(str(table.time))
    connection.execute(
        f"CREATE TABLE rivals_{table.name} AS SELECT rowid AS _id, {named}, {clocks.claimed(table)} AS _clock, "
        f"NULL::BIGINT AS {REVISION}, {computed}, {owner}, _origin = {quote(RETRIED)} AS _again, _origin, _row "
        f"FROM checked_{table.name} WHERE _reason IS NULL AND {suspect}"
    )
    if lake_rows and connection.execute(f"SELECT 1 {compared} LIMIT 1").fetchall():
        connection.execute(
            f"INSERT INTO rivals_{table.name} SELECT NULL, {named}, coalesce({CLAIMED}, ingested_at, {happened}), "
            f"{REVISION}, {computed}, {owner}, false, NULL, NULL FROM {lake_rows} WHERE {suspect}"
        )


def _hash(table: Table) -> str:
    return f"hash({', '.join(key_columns(table).values())})"


def _verdicts(table: Table) -> str:
    """SQL of the verdicts on the rivals.

    Rows of a key are taken in the order of their clocks: one that says what the row before it says is a duplicate, as
    is one that claims no later clock than the newest held row and says what any held row says.
    """
    names = [identifier("_key_" + name) for name in table.key]
    keys = ", ".join(names)
    newest = f"struct_pack(revision := {REVISION}, clock := _clock)"

    def same(left: str, right: str) -> str:
        return " AND ".join(f"{left}.{name} IS NOT DISTINCT FROM {right}.{name}" for name in names)

    return f"""
    WITH keyed AS (
        SELECT {keys}, max(_clock) FILTER (_id IS NULL) AS _newest, max({REVISION}) AS _last,
               arg_max(struct_pack(content := _content), {newest}) FILTER (_id IS NULL) AS _held,
               arg_max(_laxity, {newest}) FILTER (_id IS NULL) AS _held_laxity,
               count(_id) = 1 AS _is_alone
        FROM rivals_{table.name} GROUP BY ALL),
    said AS (SELECT DISTINCT {keys}, _content, true AS _is_said FROM rivals_{table.name} WHERE _id IS NULL),
    compared AS (
        SELECT r.*, k._last, k._held.content AS _held_content, k._is_alone, coalesce(said._is_said, false) AS _is_said,
               r._clock <= k._newest AS _is_not_later, r._clock = k._newest AS _is_tie,
               CASE WHEN r._clock = k._newest AND said._is_said IS NULL
                    THEN r._laxity < k._held_laxity OR (r._laxity = k._held_laxity
                         AND CAST(to_json(r._content) AS VARCHAR) > CAST(to_json(k._held.content) AS VARCHAR))
                    ELSE false END AS _restricts_more
        FROM rivals_{table.name} AS r JOIN keyed AS k ON {same("r", "k")}
        LEFT JOIN said ON {same("r", "said")} AND said._content IS NOT DISTINCT FROM r._content
        WHERE r._id IS NOT NULL),
    judged AS (
        SELECT *, CASE WHEN _last IS NULL OR NOT _is_not_later OR _restricts_more
                            THEN CASE WHEN NOT _is_alone THEN 'several'
                                      WHEN _last IS NOT NULL AND _content IS NOT DISTINCT FROM _held_content
                                      THEN 'duplicate' ELSE 'accepted' END
                       WHEN _is_said THEN 'duplicate' WHEN _is_tie THEN 'tie' ELSE 'not later' END AS _verdict
        FROM compared),
    placed AS (
        SELECT *, row_number() OVER best AS _place, first_value(_content) OVER best AS _best,
               list(_owner) OVER (PARTITION BY {keys}, _clock) AS _owners
        FROM judged WHERE _verdict = 'several'
        WINDOW best AS (PARTITION BY {keys}, _clock ORDER BY _laxity,
                        CAST(to_json(_content) AS VARCHAR) DESC, _again, _origin, _row, _id)),
    changes AS (
        SELECT *, CASE WHEN row_number() OVER by_clock > 1
                       THEN lag(_content) OVER by_clock IS NOT DISTINCT FROM _content
                       ELSE _last IS NOT NULL AND _content IS NOT DISTINCT FROM _held_content END AS _is_same
        FROM placed WHERE _place = 1 WINDOW by_clock AS (PARTITION BY {keys} ORDER BY _clock)),
    counted AS (
        SELECT *, count(*) FILTER (NOT _is_same) OVER (PARTITION BY {keys} ORDER BY _clock) AS _changes FROM changes)
    SELECT _id, _verdict, coalesce(_last + 1, 0) AS {REVISION}, coalesce(_is_tie, false) AS _redated,
           NULL::VARCHAR[] AS _owners
    FROM judged WHERE _verdict <> 'several'
    UNION ALL
    SELECT _id, CASE WHEN _content IS NOT DISTINCT FROM _best THEN 'duplicate' ELSE 'tie' END, 0, false, NULL
    FROM placed WHERE _place > 1
    UNION ALL
    SELECT _id, CASE WHEN _is_same THEN 'duplicate' ELSE 'accepted' END, coalesce(_last + 1, 0) + _changes - 1,
           coalesce(_is_tie, false), list_distinct(list_filter(_owners, lambda owner: owner IS DISTINCT FROM _owner))
    FROM counted
    UNION ALL
    SELECT _id, 'duplicate', 0, false, NULL FROM repeats_{table.name}"""
