"""Features beside hand-written SQL and pandas, and the whole catalogue with patterns, at several sizes in one run."""

import argparse
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from features.activity.memory import MEMORY_VARIABLE
from features.kernel.console import err, out, table
from tests.benchmarks.events import EVENTS
from tests.benchmarks.measuring import Report

SIZES = (2_000_000, 20_000_000)
ACCOUNTS = 100_000
SLOWEST = 5
CONTENDERS = {
    "catalogue": ("tests.benchmarks.by_catalogue", "plain"),
    "sql": ("tests.benchmarks.by_sql",),
    "pandas": ("tests.benchmarks.by_pandas",),
    "whole": ("tests.benchmarks.by_catalogue", "whole"),
}
MEMORY = {"catalogue": "1300MB"}


@dataclass(frozen=True, slots=True)
class Round:
    """What was measured at one size: the events written, a report a contender, the largest relative differences."""

    events: int
    reports: dict[str, Report]
    gaps: dict[str, float]


def run(*arguments: str, memory: str | None = None) -> None:
    """Runs a module in a process of its own, so that time and memory are its own; our engine may hold `memory`."""
    held = {MEMORY_VARIABLE: memory} if memory else {}
    subprocess.run([sys.executable, "-m", *arguments], check=True, env={**os.environ, **held})


def measured(rows: int, accounts: int) -> Round:
    """One size: events are generated into a folder that is gone afterwards, every contender sees the same files."""
    with tempfile.TemporaryDirectory(prefix="bench-features-") as place:
        folder = Path(place)
        err.print(f"bench: generating {rows:,} events of {accounts:,} accounts")
        run("tests.benchmarks.events", str(folder), str(rows), str(accounts))
        reports = {}
        for name, arguments in CONTENDERS.items():
            err.print(f"bench: running {name}")
            run(*arguments, str(folder), str(folder), memory=MEMORY.get(name))
            reports[name] = Report.read(folder, name)
        events = sum(pq.read_metadata(folder / f"{name}.parquet").num_rows for name in EVENTS)
        gaps = {
            "sql": gap(folder, "catalogue.moment", "sql.moment"),
            "pandas": gap(folder, "catalogue.moment", "pandas.moment"),
            "spine": gap(folder, "catalogue.spine", "pandas.spine"),
        }
        return Round(events, reports, gaps)


def gap(folder: Path, one: str, other: str) -> float:
    """The largest difference of any two values, relative to the larger of them (to 1 where both are smaller)."""
    ours, theirs = (pq.read_table(folder / f"{name}.parquet") for name in (one, other))
    largest = 0.0
    for name in ours.column_names:
        left, right = ours.column(name).to_numpy(), theirs.column(name).to_numpy()
        if left.dtype == object:
            largest = max(largest, 0.0 if (left == right).all() else math.inf)
            continue
        size = np.maximum(np.maximum(np.abs(left), np.abs(right)), 1.0)
        largest = max(largest, float((np.abs(left - right) / size).max()))
    return largest


def print_moment(rounds: Sequence[Round]) -> None:
    """The plain features at one moment: seconds and peak memory of the three."""
    lines: list[tuple[object, ...]] = []
    for done in rounds:
        ours = done.reports["catalogue"]
        for name in ("catalogue", "sql", "pandas"):
            report = done.reports[name]
            seconds = (report.seconds["prepare"], report.seconds["moment"])
            lines.append(
                (
                    f"{done.events:,}",
                    name,
                    *seconds,
                    report.peak_mb["moment"],
                    ours.seconds["moment"] / report.seconds["moment"],
                    (ours.seconds["prepare"] + ours.seconds["moment"]) / sum(seconds),
                    ours.peak_mb["moment"] / report.peak_mb["moment"],
                    done.gaps.get(name, 0.0),
                )
            )
    headings = ("events", "by", "facts s", "values s", "peak MB", "ours / it", "with facts", "memory", "largest gap")
    table(headings, lines, "plain features of all accounts at one moment")
    out.print(f"the catalogue's engine may hold {MEMORY['catalogue']}; libraries alone are a quarter of a GB")
    out.print("targets: ours / SQL at most 1.3 (aim 1.2); ours / pandas below 1 at no more than 0.4 of its memory")
    compiling = ", ".join(f"{done.reports['catalogue'].seconds['compile']:.2g} s" for done in rounds)
    out.print(f"compiling the declarations, once a process: {compiling}\n")


def print_spine(rounds: Sequence[Round]) -> None:
    """The plain features of a training spine: ours beside pandas."""
    lines = []
    for done in rounds:
        ours, theirs = (done.reports[name].seconds["spine"] for name in ("catalogue", "pandas"))
        lines.append((f"{done.events:,}", ours, theirs, theirs / ours, done.gaps["spine"]))
    headings = ("events", "ours s", "pandas s", "pandas / ours", "largest gap")
    table(headings, lines, "the same features of 20,000 (account, moment)")
    out.print("target: pandas / ours at least 1.7\n")


def print_whole(rounds: Sequence[Round]) -> None:
    """The whole catalogue with its patterns from a cold start."""
    lines = []
    for done in rounds:
        report = done.reports["whole"]
        derive, vectors = report.seconds["derive"], report.seconds["vectors"]
        lines.append((f"{done.events:,}", derive, vectors, derive + vectors, report.peak_mb["vectors"] / 1024))
    headings = ("events", "facts and patterns s", "vectors s", "together s", "peak GB")
    table(headings, lines, "the whole catalogue of all accounts, cold")
    out.print("targets: together at most 120 s and 4 GB on 2 cores")
    for done in rounds:
        seconds = done.reports["whole"].seconds
        steps = {what.removeprefix("step: "): taken for what, taken in seconds.items() if what.startswith("step: ")}
        slowest = sorted(steps.items(), key=lambda step: -step[1])[:SLOWEST]
        out.print(f"slowest at {done.events:,}: " + ", ".join(f"{what} {taken:.3g} s" for what, taken in slowest))
    out.print("")


def print_growth(small: Round, large: Round) -> None:
    """How steeply times grow with the data: the exponent of a power law between two sizes."""
    watched = {
        "the plain features' facts": ("catalogue", "prepare"),
        "plain features at one moment": ("catalogue", "moment"),
        "plain features of the training spine": ("catalogue", "spine"),
        "all facts and patterns": ("whole", "derive"),
        "the whole catalogue's vectors": ("whole", "vectors"),
    }
    lines = []
    for what, (name, step) in watched.items():
        before, after = (done.reports[name].seconds[step] for done in (small, large))
        lines.append((what, before, after, math.log(after / before) / math.log(large.events / small.events)))
    headings = ("what", f"s at {small.events:,}", f"s at {large.events:,}", "exponent")
    table(headings, lines, "growth with the data")
    out.print("target: no exponent above 1.1")


def main() -> None:
    """Runs every contender at every size and prints the tables; nothing is asserted, times differ by machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, action="append", help="events to generate; again for more sizes")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    given = parser.parse_args()
    sizes = sorted(given.rows or SIZES)
    rounds = [measured(rows, given.accounts) for rows in sizes]
    print_moment(rounds)
    print_spine(rounds)
    print_whole(rounds)
    if len(rounds) > 1:
        print_growth(rounds[0], rounds[-1])


if __name__ == "__main__":
    main()
