"""Any value in any column of any table beside good rows: the good rows come in, all are counted, vectors are built."""

import os
from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.activity.importing import ImportReport, TableReport
from features.pipeline import Features
from tests.features.activity.exports import Desk
from tests.features.activity.good_rows import EVERY_TABLE, good_row

EXAMPLES = int(os.environ.get("MSCORE_FUZZ", "200"))
STAND_INS = ["", " ", "null", "NaN", "N/A", "unknown", "-", "::", "0x0", "0" * 32, "None"]
MOMENTS = [
    "2025-05-01T12:00:00Z",
    "2025-05-01 12:00:00+02",
    "2025-05-01",
    "2025-05-01 12:00 CST",
    "now",
    "infinity",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999Z",
    "1900-01-01T00:00:00Z",
    "1746100800000",
]
NUMBERS = [
    "0",
    "-1",
    "1e308",
    "-1e308",
    "1e-320",
    "1e12",
    "999999999999.99",
    "1e24",
    "9.9e23",
    "9223372036854775807",
    "1,5",
]
TEXTS = st.one_of(st.sampled_from([*STAND_INS, *MOMENTS, *NUMBERS, "a", "new", "true"]), st.text(max_size=300))
TYPED: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): TEXTS,
    pa.float64(): st.floats(),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.bool_(): st.booleans(),
    pa.timestamp("us", "UTC"): st.datetimes(timezones=st.just(UTC)),
    pa.timestamp("us"): st.integers(-(62 * 10**15), 253 * 10**15),
    pa.timestamp("ns"): st.integers(-(2**63) + 1, 2**63 - 1),
    pa.timestamp("s"): st.integers(-(62 * 10**9), 253 * 10**9),
    pa.timestamp("ms"): st.integers(-(62 * 10**12), 253 * 10**12),
    pa.date32(): st.dates(date(1900, 1, 1)),
    pa.binary(): st.binary(max_size=20),
    pa.decimal128(38, 4): st.decimals(min_value=Decimal(-(10**30)), max_value=Decimal(10**30), places=4),
    pa.list_(pa.int32()): st.lists(st.integers(0, 9), max_size=2),
    pa.duration("us"): st.timedeltas(timedelta(0), timedelta(9)),
    pa.null(): st.none(),
}
CELLS = [(table.name, column.name) for table in EVERY_TABLE.values() for column in table.columns]
GOOD = {
    "accounts": [good_row("accounts", account_id=name) for name in ("a", "b")],
    "order_events": [good_row("order_events", order_id="good", account_id="b")],
    "transfers": [good_row("transfers", transfer_id="good", account_id="b")],
}


@st.composite
def spoilt_columns(draw: st.DrawFn) -> tuple[str, str, pa.Array]:
    """A column of a table, and an array of two values to put there, of any type."""
    table, column = draw(st.sampled_from(CELLS))
    arrow_type = draw(st.sampled_from(list(TYPED)))
    values = draw(st.lists(st.one_of(st.none(), TYPED[arrow_type]), min_size=2, max_size=2))
    return table, column, pa.array(values, arrow_type)


def export(desk: Desk, spoilt: list[tuple[str, str, pa.Array]], ending: str) -> Path:
    """A folder with the good rows in files of their own and two spoilt rows for every column given."""
    folder = desk.folder({})
    for name, rows in GOOD.items():
        (folder / name).mkdir()
        schema = pa.schema([field for field in EVERY_TABLE[name].arrow_schema if field.name in rows[0]])
        pq.write_table(pa.Table.from_pylist(rows, schema), folder / name / "good.parquet")
    for number, (table, column, values) in enumerate(spoilt):
        row = good_row(table)
        schema = EVERY_TABLE[table].arrow_schema
        others = {name: pa.array([value] * 2, schema.field(name).type) for name, value in row.items()}
        rows = pa.table({**others, column: values})
        (folder / table).mkdir(exist_ok=True)
        path = folder / table / f"{number}.{ending}"
        if ending == "parquet":
            pq.write_table(rows, path)
        else:
            texts = [[None if v is None else str(v) for v in rows.column(n).to_pylist()] for n in rows.column_names]
            pa_csv.write_csv(pa.table(dict(zip(rows.column_names, texts, strict=True))), path)
    return folder


def check_counts(report: TableReport) -> None:
    """Every row is counted once, and every one set aside has a reason."""
    assert report.read == report.accepted + report.superseding + report.duplicates + report.quarantined
    assert sum(report.reasons.values()) == report.quarantined
    assert all(report.reasons)


def check(desk: Desk, done: ImportReport) -> None:
    """Every row is counted once, and the good ones are in."""
    for report in done.tables.values():
        check_counts(report)
    assert desk.home.lake.version is not None
    held = desk.home.lake.snapshot().files
    for name, rows in GOOD.items():
        ids = pd.concat([pd.read_parquet(path) for path in held[name]])
        key = "account_id" if name == "accounts" else EVERY_TABLE[name].key[0]
        assert {row[key] for row in rows} <= set(ids[key])


SPOILT = st.lists(spoilt_columns(), min_size=1, max_size=8)
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
@given(spoilt=SPOILT, ending=st.sampled_from(["parquet", "csv"]))
def test_whatever_stands_in_a_column_the_good_rows_come_in_and_every_row_is_counted(
    tmp_path_factory: pytest.TempPathFactory, spoilt: list[tuple[str, str, pa.Array]], ending: str
) -> None:
    desk = Desk(tmp_path_factory.mktemp("fuzz"))
    check(desk, desk.importing().folder(export(desk, spoilt, ending)))


@settings(max_examples=max(EXAMPLES // 10, 1), deadline=None, suppress_health_check=SLOW)
@given(spoilt=SPOILT, ending=st.sampled_from(["parquet", "csv"]))
def test_whatever_is_imported_vectors_can_be_built(
    tmp_path_factory: pytest.TempPathFactory, spoilt: list[tuple[str, str, pa.Array]], ending: str
) -> None:
    desk = Desk(tmp_path_factory.mktemp("fuzz"))
    desk.importing().folder(export(desk, spoilt, ending))
    features = Features(desk.home.lake)
    assert {"a", "b"} <= set(features.vectors(features.accounts("2025-06-01"))["account_id"])
