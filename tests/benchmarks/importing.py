"""Import of order events beside DuckDB's plain COPY of the same rows to Parquet, each in a process of its own."""

import argparse
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from features.activity.importing import Import
from features.activity.memory import MEMORY, MEMORY_VARIABLE
from features.home import Home
from features.kernel.console import err, out, table
from features.kernel.progress import silent
from tests.benchmarks.measuring import Report

SIZES = (2_000_000, 20_000_000)
ACCOUNTS = 100_000
ROWS = "order_events"
MORE = "more"
# What the columns hold decides the speed of both: ids and clocks differ in every row, the rest repeats.
GENERATED = """
SELECT 'O' || i // 2 AS order_id, 'A' || (hash(i // 2) % $accounts)::VARCHAR AS account_id,
       make_timestamptz(1743465600000000 + i * 200000 + (hash(i) % 200000)::BIGINT) AS ts,
       if(i % 2 = 0, 'new', 'cancel') AS event, 'S' || i // 2 % 20 || 'USDT' AS symbol,
       if(i // 2 % 2 = 0, 'perp', 'spot') AS product, 'limit' AS order_type, if(i // 2 % 3 = 0, 'buy', 'sell') AS side,
       10 + (hash(i // 2) % 100000)::DOUBLE / 1e4 AS price,
       if(i % 2 = 0, (1 + hash(i) % 5000)::DOUBLE / 100, 0) AS quantity,
       'none' AS effect, if(hash(i // 2) % 3 = 0, 'api', 'web') AS source, NULL::VARCHAR AS session_id,
       if(hash(i // 2) % 3 = 0, 'K' || hash(i // 2) % 1000, NULL) AS api_key_id,
       (1 + hash(i // 2) % 20)::DOUBLE AS leverage, hash(i) % 2 = 0 AS had_ui_event, price * .9999 AS best_bid,
       price * 1.0001 AS best_ask, round((hash(i) % 1000)::DOUBLE / 1000, 3) AS depth_share,
       ts + to_microseconds((hash(i) % 40000)::BIGINT) AS ingested_at
FROM range($first::BIGINT, $first::BIGINT + $rows::BIGINT) t(i)
"""
ACCOUNT_ROWS = """
SELECT 'A' || i AS account_id, TIMESTAMPTZ '2024-01-01 00:00:00Z' AS created_at, 'retail' AS kind, 'DE' AS country,
       false AS market_maker FROM range($accounts) t(i)
"""


def generate(folder: Path, rows: int) -> None:
    """Writes the export to import, the accounts, and one more row for a later import."""
    for name in ("export", MORE):
        (folder / name).mkdir()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET temp_directory = '{folder}'")
        accounts = ACCOUNT_ROWS.replace("$accounts", str(ACCOUNTS))
        connection.execute(f"COPY ({accounts}) TO '{folder}/export/accounts.parquet'")
        for name, first, count in (("export", 0, rows), (MORE, rows, 1)):
            select = GENERATED.replace("$accounts", str(ACCOUNTS))
            select = select.replace("$first", str(first)).replace("$rows", str(count))
            connection.execute(f"COPY ({select}) TO '{folder}/{name}/{ROWS}.parquet'")


def copy(folder: Path) -> None:
    """Copies the order events to another Parquet file, and reports."""
    report = Report()
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        query = f"COPY (FROM '{folder}/export/{ROWS}.parquet') TO '{folder}/copy.parquet'"
        report.step("COPY", lambda: connection.execute(query))
    report.write(folder, "COPY")


def take(folder: Path, name: str, part: str) -> None:
    """Imports a part of the export into the one home, and reports."""
    home, report = Home(folder / "home"), Report()
    importing = Import(home.lake, home.quarantine, datetime(2025, 6, 5, tzinfo=UTC), silent)
    report.step(name, lambda: importing.folder(folder / part))
    report.write(folder, name)


STEPS = {"COPY": "", "import": "export", "one more row": MORE, "everything again": "export"}


def measured(rows: int, steps: list[str]) -> list[tuple[object, ...]]:
    """A line a step: rows, seconds, rows a second, that as a share of COPY's, and the peak of memory."""
    with tempfile.TemporaryDirectory(prefix="bench-importing-") as place:
        folder = Path(place)
        err.print(f"bench: generating {rows:,} order events")
        generate(folder, rows)
        lines: list[tuple[object, ...]] = []
        copied = 0.0
        for name in steps:
            err.print(f"bench: {name}")
            subprocess.run([sys.executable, "-m", __spec__.name, "--step", name, "--folder", place], check=True)
            report = Report.read(folder, name)
            seconds = report.seconds[name]
            copied = seconds if name == "COPY" else copied
            count = 1 if name == "one more row" else rows
            share = copied / seconds if count == rows else None
            lines.append((f"{rows:,}", name, seconds, count / seconds, share, report.peak_mb[name]))
        return lines


def main() -> None:
    """Prints the table; nothing is asserted, times differ by machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, action="append", help="order events to import; again for more sizes")
    parser.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        copy(given.folder) if given.step == "COPY" else take(given.folder, given.step, STEPS[given.step])
        return
    lines = [line for rows in sorted(given.rows or SIZES) for line in measured(rows, list(STEPS))]
    headings = ("rows held", "step", "seconds", "rows / s", "of COPY's", "peak MB")
    table(headings, lines, "import of order events")
    out.print(f"DuckDB may hold {MEMORY_VARIABLE}, {MEMORY} unless set")
    out.print("targets at 20,000,000: import at least 0.1 of COPY's rows a second, at most 4,096 MB")


if __name__ == "__main__":
    main()
