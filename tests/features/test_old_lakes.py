"""What a lake holds from before there were bounds: no number and no moment stops anybody's vectors."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.activity.lake import Addition, Lake
from features.activity.schema import TABLES
from features.pipeline import Features
from tests.features.activity.exports import IMPORTED_AT
from tests.features.activity.good_rows import good_row

EXAMPLES = max(int(os.environ.get("MSCORE_FUZZ", "200")) // 50, 1)
HUGE = [
    1e308,
    -1e308,
    9.3e12,
    1e13,
    1e18,
    1e19,
    1e24,
    1e30,
    5e-324,
    0.0,
    -1.0,
    float("nan"),
    float("inf"),
    float("-inf"),
]
WHOLE = [2**63 - 1, -(2**63), 0, 10**18]
COPIES = 12


def table_of(name: str, numbers: dict[str, float], whole: dict[str, int]) -> pa.Table:
    """Twelve rows of a table that differ in what is text or enumerated, with the same extreme numbers."""
    declared = TABLES[name]
    rows = []
    for copy in range(COPIES):
        row = good_row(name)
        for column in declared.columns:
            if column.arrow_type == pa.float64():
                row[column.name] = numbers[column.name]
            elif column.arrow_type == pa.int64() and column.name != "level":
                row[column.name] = whole[column.name]
            elif column.kind == "enum":
                row[column.name] = column.values[copy % len(column.values)]
            elif column.kind == "id" and column.name in declared.key and column.form is None:
                row[column.name] = f"{column.name}-{copy}"
            elif column.kind == "account" or column.name == "account_id":
                row[column.name] = "ab"[(copy + (column.name == "taker_account_id")) % 2]
            elif column.name == "ts":
                row[column.name] = datetime(2025, 5, 1, 12, copy, tzinfo=UTC)
        rows.append(row)
    return pa.Table.from_pylist(rows, declared.arrow_schema)


NUMERIC = sorted({c.name for t in TABLES.values() for c in t.columns if c.arrow_type == pa.float64()})
COUNTS = sorted({c.name for t in TABLES.values() for c in t.columns if c.arrow_type == pa.int64()})


def check(folder: Path, numbers: dict[str, float], whole: dict[str, int]) -> None:
    """Vectors of both accounts are built from a lake that holds such numbers everywhere."""
    lake = Lake(folder)
    tables = {name: table_of(name, numbers, whole) for name in TABLES if name not in ("accounts", "watchlist")}
    both = [good_row("accounts", account_id=name) for name in ("a", "b")]
    tables["accounts"] = pa.Table.from_pylist(both, TABLES["accounts"].arrow_schema)
    lake.append([(name, Addition(rows)) for name, rows in tables.items()], IMPORTED_AT)
    features = Features(lake)
    vectors = features.vectors(features.accounts("2025-05-02"))
    assert vectors["account_id"].tolist() == ["a", "b"]
    assert len(features.weekly())


@pytest.mark.parametrize("number", [1e308, -1e308, 1e13, float("nan"), float("inf")], ids=str)
def test_one_extreme_number_everywhere_stops_nobody(tmp_path: Path, number: float) -> None:
    check(tmp_path, dict.fromkeys(NUMERIC, number), dict.fromkeys(COUNTS, WHOLE[0]))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.fixed_dictionaries({name: st.sampled_from(HUGE) | st.floats() for name in NUMERIC}),
    whole=st.fixed_dictionaries({name: st.sampled_from(WHOLE) for name in COUNTS}),
)
def test_extreme_numbers_stop_nobody(
    tmp_path_factory: pytest.TempPathFactory, numbers: dict[str, float], whole: dict[str, int]
) -> None:
    check(tmp_path_factory.mktemp("old"), numbers, whole)
