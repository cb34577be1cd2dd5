"""SELECTs of a mapping: what they can say, and that they read nothing but the files of the imported folder."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from features.activity.importing import ImportReport
from features.activity.mapping import MappingDocument, load_mapping
from features.activity.mapping.running import MACROS
from features.kernel.errors import Invalid, NotFound
from tests.features.activity.exports import Desk

REPOSITORY = Path(__file__).parents[3]
PARTIES = {"kind": "retail", "country": "ZZ", "market_maker": "false"}
DEPOSIT = "'deposit' AS direction, 'EUR' AS asset, 'bank' AS counterparty_type"
PAYMENTS = "id,who,at,sum\np1,x,2025-05-01T10:00:00Z,10\np2,y,2025-05-01T11:00:00+01:00,20.5\np3,x,soon,30\n"
SELECT = f"SELECT id AS transfer_id, who AS account_id, at AS ts, sum AS amount, sum AS amount_usd, {DEPOSIT} FROM "


def written(desk: Desk, transfers: Any, **entries: Any) -> Path:
    """A mapping of payments with these statements for transfers."""
    document = {"name": "bank", "sources": {"payments": "payments.csv"}, "accounts_from_parties": PARTIES}
    path = desk.place / "bank.yaml"
    path.write_text(yaml.safe_dump({**document, "tables": {"transfers": transfers}, **entries}))
    return path


def imported(desk: Desk, transfers: Any, files: dict[str, str], **entries: Any) -> ImportReport:
    """The import of text files through such a mapping."""
    folder = desk.folder({})
    for name, text in files.items():
        (folder / name).write_text(text)
    return desk.importing().mapped(folder, load_mapping(str(written(desk, transfers, **entries))))


def test_text_columns_are_typed_by_the_checks_and_a_bad_row_is_named_by_its_file_and_number(desk: Desk) -> None:
    done = imported(desk, SELECT + "payments", {"payments.csv": PAYMENTS})
    assert (done.tables["transfers"].read, done.tables["transfers"].accepted) == (3, 2)
    assert desk.stored("transfers", "transfer_id, amount, ts") == [
        ["p1", 10.0, pd.Timestamp("2025-05-01T10:00Z")],
        ["p2", 20.5, pd.Timestamp("2025-05-01T10:00Z")],
    ]
    (aside,) = desk.home.quarantine.rows().to_pylist()
    assert (aside["origin"], aside["row_number"]) == ("payments.csv", 3)
    assert "soon" in aside["original"]


def test_a_filtered_row_keeps_the_number_it_has_in_its_file(desk: Desk) -> None:
    imported(desk, SELECT + "payments WHERE sum > '25'", {"payments.csv": PAYMENTS})
    assert [row["row_number"] for row in desk.home.quarantine.rows().to_pylist()] == [3]


def test_a_column_or_text_may_have_the_name_of_a_function(desk: Desk) -> None:
    select = (
        'SELECT CAST("user" AS VARCHAR) AS account_id, CAST(version AS VARCHAR) AS transfer_id, '
        f"replace(at, 'now', '') AS ts, sum AS amount, sum AS amount_usd, {DEPOSIT} FROM payments"
    )
    payments = PAYMENTS.replace("id,who", "version,user")
    assert imported(desk, select, {"payments.csv": payments}).tables["transfers"].accepted == 2


def test_a_file_of_the_folder_can_be_read_by_its_own_name(desk: Desk) -> None:
    done = imported(desk, SELECT + '"payments.csv"', {"payments.csv": PAYMENTS}, sources={})
    assert done.tables["transfers"].accepted == 2


def test_a_select_joins_computes_ranks_and_unites(desk: Desk) -> None:
    select = f"""
        WITH payments AS (SELECT *, row_number() OVER (PARTITION BY who ORDER BY at) AS place FROM payments)
        SELECT id AS transfer_id, who AS account_id, at AS ts, TRY_CAST(sum AS DOUBLE) AS amount,
               TRY_CAST(sum AS DOUBLE) * r.usd * $share AS amount_usd, {DEPOSIT}
        FROM payments JOIN rates AS r USING (who) WHERE place = 1
        UNION ALL
        SELECT 'more', 'z', '2025-05-02T00:00:00Z', 1, 1, {DEPOSIT}"""
    rates = pd.DataFrame({"who": ["x", "y"], "usd": [2, 3]})
    folder = desk.folder({"rates": rates})
    (folder / "payments.csv").write_text(PAYMENTS)
    sources = {"payments": "payments.csv", "rates": "rates.parquet"}
    mapping = load_mapping(str(written(desk, select, sources=sources, constants={"share": 0.5})))
    assert desk.importing().mapped(folder, mapping).tables["transfers"].accepted == 3
    assert desk.stored("transfers", "transfer_id, amount_usd") == [["more", 1.0], ["p1", 10.0], ["p2", 30.75]]


def test_ids_that_are_unique_per_market_become_one_key_of_several_columns(desk: Desk) -> None:
    trades = "market,trade_id,who,at,sum\nBTC,1,x,2025-05-01T10:00:00Z,10\nETH,1,x,2025-05-01T10:00:00Z,20\n"
    alone = SELECT.replace("id AS", "trade_id AS", 1) + "payments"
    assert imported(desk, alone, {"payments.csv": trades}).tables["transfers"].accepted == 1
    joined = SELECT.replace("id AS", "market || '-' || trade_id AS", 1) + "payments"
    imported(desk, joined, {"payments.csv": trades})
    assert [row for (row,) in desk.stored("transfers", "transfer_id")] == ["1", "BTC-1", "ETH-1"]


@pytest.mark.parametrize(("rate", "found"), [("300.0", 3000.0), ("1e2", 1000.0), ("2", 20.0), ("-1", None)])
def test_a_constant_is_a_number_where_it_is_written_as_one(desk: Desk, rate: str, found: float | None) -> None:
    select = (SELECT + "payments WHERE id = 'p1'").replace("sum AS amount_usd", "10 * $rate AS amount_usd")
    done = imported(desk, select, {"payments.csv": PAYMENTS}, constants={"rate": rate})
    assert done.tables["transfers"].reasons == ({} if found else {"amount_usd: negative": 1})
    assert not found or desk.stored("transfers", "amount_usd") == [[found]]


@pytest.mark.parametrize(("code", "found"), [("0123", "0123"), ("NO", "NO"), ("it's", "it's"), ("", None)])
def test_another_constant_is_a_text_as_it_is_written(desk: Desk, code: str, found: str | None) -> None:
    select = (SELECT + "payments WHERE id = 'p1'").replace("SELECT ", "SELECT $code AS address, ")
    imported(desk, select, {"payments.csv": PAYMENTS}, constants={"code": code})
    assert desk.stored("transfers", "address") == [[found]]


def test_a_csv_file_without_a_header_is_read_by_the_names_given(desk: Desk) -> None:
    bare = {"payments": {"file": "bare.csv", "header": False, "columns": ["id", "who", "at", "sum"]}}
    rows = PAYMENTS.split("\n", 1)[1].replace(",", ";")
    done = imported(desk, SELECT + "payments", {"bare.csv": rows}, sources=bare)
    assert (done.tables["transfers"].read, done.tables["transfers"].accepted) == (3, 2)
    assert [row["row_number"] for row in desk.home.quarantine.rows().to_pylist()] == [3]
    with pytest.raises(Invalid, match=r"bare\.csv has not 4 columns in any of its first lines"):
        imported(desk, SELECT + "payments", {"bare.csv": "a,b,c\n"}, sources=bare)


@pytest.mark.parametrize(
    ("before", "aside"), [("", 0), ("\ufeff", 0), ("oops\n", 1), ('"\n', 1), (f"{'x' * 200_000}\n", 1)]
)
def test_a_broken_line_before_all_others_costs_a_file_without_a_header_none(
    desk: Desk, before: str, aside: int
) -> None:
    bare = {"payments": {"file": "bare.csv", "header": False, "columns": ["id", "who", "at", "sum"]}}
    rows = PAYMENTS.split("\n", 1)[1].replace("soon", "2025-05-01T00:00:00Z")
    done = imported(desk, SELECT + "payments", {"bare.csv": before + rows}, sources=bare)
    assert (done.tables["transfers"].accepted, done.tables["transfers"].quarantined) == (3, aside)
    assert [row for (row,) in desk.stored("transfers", "transfer_id")] == ["p1", "p2", "p3"]


def test_an_empty_file_without_a_header_has_no_rows(desk: Desk) -> None:
    bare = {"payments": {"file": "bare.csv", "header": False, "columns": ["id", "who", "at", "sum"]}}
    assert imported(desk, SELECT + "payments", {"bare.csv": ""}, sources=bare).tables["transfers"].read == 0


def test_select_over_an_optional_file_that_is_absent_is_left_out(desk: Desk) -> None:
    sources = {"payments": "payments.csv", "more": {"file": "more.csv", "optional": True}}
    done = imported(desk, [SELECT + "payments", SELECT + "more"], {"payments.csv": PAYMENTS}, sources=sources)
    assert done.tables["transfers"].read == 3


def test_a_cast_that_fails_stops_with_the_entry_the_value_and_the_way_out(desk: Desk) -> None:
    select = (SELECT + "payments").replace("sum AS amount,", "CAST(at AS INTEGER) AS amount,")
    with pytest.raises(Invalid, match=r"tables\.transfers: the SELECT fails.*2025-05-01.*Write TRY_CAST there"):
        imported(desk, select, {"payments.csv": PAYMENTS})
    assert desk.home.lake.version is None


def test_whole_numbers_of_any_size_arrive_exactly(desk: Desk) -> None:
    select = f"""SELECT 12345678901234567890123::HUGEINT AS transfer_id, who AS account_id, at AS ts, 1 AS amount,
                 1 AS amount_usd, sum(7) AS n_events, {DEPOSIT} FROM payments WHERE id = 'p1' GROUP BY ALL"""
    imported(desk, select, {"payments.csv": PAYMENTS})
    assert desk.stored("transfers", "transfer_id, n_events") == [["12345678901234567890123", 7]]


HOSTILE = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM payments, read_text('/etc/passwd')",
    "SELECT (SELECT max(content) FROM read_text('/etc/passwd')) AS address FROM payments",
    "SELECT [x FOR x IN (SELECT content FROM read_text('y'))] AS address FROM payments",
    "SELECT id AS ts FROM payments UNION ALL SELECT size FROM read_blob('x')",
    "SELECT id AS ts FROM payments WHERE id IN (FROM '/etc/hosts')",
    "SELECT * FROM unnest((SELECT list(file) FROM glob('/*')))",
    "SELECT * FROM read_parquet(['a'])",
    "SELECT * FROM parquet_metadata('x')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM '/etc/x.csv'",
    'SELECT * FROM "../x.csv"',
    'SELECT * FROM "a/../../x.csv"',
    "SELECT * FROM 'https://example.org/x.parquet'",
    "SELECT * FROM glob('*')",
    "SELECT * FROM range(10)",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('payments')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM other",
    'SELECT * FROM main."payments"',
    "SELECT * FROM payments AT (VERSION => 1)",
    "WITH c AS (SELECT * FROM other) SELECT * FROM c",
    "WITH RECURSIVE r AS (SELECT 1 AS amount UNION ALL SELECT amount FROM r) SELECT * FROM r",
    "SELECT * FROM payments, LATERAL (SELECT 1)",
    "SELECT * FROM (DESCRIBE payments)",
    "SELECT * FROM (SHOW TABLES)",
    "SELECT * FROM payments; DROP VIEW payments",
    "COPY payments TO 'x'",
    "COPY payments FROM 'x'",
    "ATTACH 'x'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA version",
    "SET threads = 1",
    "CALL pragma_version()",
    "CREATE TABLE x AS SELECT 1",
    "INSERT INTO payments VALUES (1)",
    "UPDATE payments SET id = 1",
    "DELETE FROM payments",
    "MERGE INTO payments USING payments ON true WHEN MATCHED THEN DELETE",
    "EXPORT DATABASE 'x'",
    "EXPLAIN SELECT 1",
    "DESCRIBE payments",
    "VALUES (1)",
    "SELECT id INTO b FROM payments",
    "SELECT getenv('HOME') AS address FROM payments",
    "SELECT current_setting('memory_limit') AS address FROM payments",
    "SELECT getvariable('x') AS address FROM payments",
    "SELECT now() AS ts FROM payments",
    "SELECT current_timestamp AS ts FROM payments",
    "SELECT today() AS ts FROM payments",
    "SELECT age(at) AS amount FROM payments",
    "SELECT ago(INTERVAL 1 DAY) AS ts FROM payments",
    "SELECT random() AS amount FROM payments",
    "SELECT gen_random_uuid() AS transfer_id FROM payments",
    "SELECT sleep_ms(1000) AS amount FROM payments",
    "SELECT * FROM payments ORDER BY random()",
    "SELECT id AS ts FROM payments USING SAMPLE 10",
    "SELECT $rate AS amount FROM payments",
    "SELECT ? AS amount FROM payments",
    "SELECT id AS colour FROM payments",
    "SELECT count(*) FROM payments",
    "SELECT id AS ts, at AS ts FROM payments",
    "SELECT 'a",
    "--",
]


@pytest.mark.parametrize("select", HOSTILE)
def test_a_select_that_reaches_for_more_is_refused_before_anything_runs(desk: Desk, select: str) -> None:
    with pytest.raises(Invalid, match=r"^bank\.yaml: (tables\.transfers|source )"):
        load_mapping(str(written(desk, select)))


@pytest.mark.parametrize("file", ["/etc/passwd", "../secret.csv", "inner/../../secret.csv"])
@pytest.mark.parametrize("form", ["source", "columns"])
def test_a_file_outside_of_the_folder_is_refused(desk: Desk, file: str, form: str) -> None:
    entry: Any = [{"file": file, "columns": {"ts": {"column": "a"}}}]
    entries = {"sources": {"payments": file}} if form == "source" else {}
    with pytest.raises(Invalid, match="lies outside of the imported folder"):
        load_mapping(str(written(desk, SELECT + "payments" if form == "source" else entry, **entries)))


def test_a_link_that_leads_out_of_the_folder_is_not_followed(desk: Desk) -> None:
    secret = desk.place / "secret.csv"
    secret.write_text(PAYMENTS)
    folder = desk.folder({})
    (folder / "payments.csv").symlink_to(secret)
    with pytest.raises(Invalid, match=r"payments\.csv lies outside"):
        desk.importing().mapped(folder, load_mapping(str(written(desk, SELECT + "payments"))))


def test_the_engine_itself_reads_nothing_else_where_the_check_were_passed(desk: Desk) -> None:
    secret = desk.place / "secret.csv"
    secret.write_text(PAYMENTS)
    for reaching in (f"read_csv('{secret}')", f"'{secret}'", f"read_text('{secret}')", "glob('/*')"):
        mapping = load_mapping(str(written(desk, SELECT + "payments")))
        (statement,) = mapping.statements
        object.__setattr__(statement, "query", f"SELECT * FROM {reaching}")
        folder = desk.folder({})
        (folder / "payments.csv").write_text(PAYMENTS)
        with pytest.raises(Invalid, match="disabled by configuration"):
            desk.importing().mapped(folder, mapping)


def test_a_folder_that_is_not_there_is_said(desk: Desk) -> None:
    with pytest.raises(NotFound, match="There is no folder"):
        desk.importing().mapped(desk.place / "nowhere", load_mapping(str(written(desk, SELECT + "payments"))))


@pytest.mark.parametrize(
    ("call", "moment"),
    [
        ("from_seconds(1718409000)", "2024-06-14 23:50:00+00"),
        ("from_seconds('1718409000.123456')", "2024-06-14 23:50:00.123456+00"),
        ("from_milliseconds(1718409000123)", "2024-06-14 23:50:00.123+00"),
        ("from_milliseconds('1718409000123')", "2024-06-14 23:50:00.123+00"),
        ("from_microseconds(1718409000123456)", "2024-06-14 23:50:00.123456+00"),
        ("from_nanoseconds(1718409000123456789)", "2024-06-14 23:50:00.123456+00"),
        ("from_nanoseconds('1718409000123456789')", "2024-06-14 23:50:00.123456+00"),
        ("from_nanoseconds(1718409000123456789::DOUBLE)", "2024-06-14 23:50:00.123457+00"),
        ("from_seconds('soon')", None),
        ("from_seconds(NULL)", None),
        ("from_nanoseconds(NULL)", None),
        ("from_seconds(-1)", "1969-12-31 23:59:59+00"),
        ("from_seconds('1e300')", "293506-05-25 11:33:20+00"),
        ("from_nanoseconds('1e300')", "293506-05-25 11:33:20+00"),
        ("from_milliseconds('nan')", "293506-05-25 11:33:20+00"),
    ],
)
def test_epoch_units_give_the_moment_to_the_microsecond_and_never_fail(call: str, moment: str | None) -> None:
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        for macro in MACROS:
            engine.execute(macro)
        assert engine.execute(f"SELECT CAST({call} AS VARCHAR)").fetchone() == (moment,)


def test_the_published_schema_is_the_one_of_the_document_and_the_shipped_files_name_it() -> None:
    published = yaml.safe_load((REPOSITORY / "docs/schemas/mapping.schema.json").read_text())
    current = MappingDocument.model_json_schema()
    assert {name: published[name] for name in ("$defs", "properties", "required")} == {
        name: current[name] for name in ("$defs", "properties", "required")
    }
    for shipped in (REPOSITORY / "features/activity/mappings").glob("*.yaml"):
        line = shipped.read_text().splitlines()[0]
        assert line.startswith("# yaml-language-server: $schema=")
        assert (shipped.parent / line.partition("=")[2]).resolve() == REPOSITORY / "docs/schemas/mapping.schema.json"


def test_a_ragged_line_is_set_aside_once_and_costs_no_other(desk: Desk) -> None:
    ragged = PAYMENTS + "p4,x\n" + "p5,y,2025-05-01T12:00:00Z,7\n"
    done = imported(desk, [SELECT + "payments", SELECT + "payments WHERE false"], {"payments.csv": ragged})
    assert (done.tables["transfers"].read, done.tables["transfers"].accepted) == (5, 3)
    assert sorted(row["row_number"] for row in desk.home.quarantine.rows().to_pylist()) == [3, 4]
    assert any("2 fields" in reason for reason in done.tables["transfers"].reasons)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize(("ending", "packing"), [("gz", "gzip"), ("zst", "zstd")])
def test_a_packed_file_is_read_with_and_without_a_header(desk: Desk, header: bool, ending: str, packing: str) -> None:
    folder = desk.folder({})
    rows = PAYMENTS if header else PAYMENTS.split("\n", 1)[1]
    with pa.CompressedOutputStream(str(folder / f"payments.csv.{ending}"), packing) as packed:
        packed.write(rows.encode())
    names = {} if header else {"header": False, "columns": ["id", "who", "at", "sum"]}
    sources = {"payments": {"file": f"payments.csv.{ending}", **names}}
    done = desk.importing().mapped(folder, load_mapping(str(written(desk, SELECT + "payments", sources=sources))))
    assert (done.tables["transfers"].read, done.tables["transfers"].accepted) == (3, 2)
