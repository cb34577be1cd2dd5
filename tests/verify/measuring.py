"""How a promise is measured: by tests at full size, by a command's processor time, or by a benchmark's figure."""

import os
import re
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).parents[2]
SUMMARY = re.compile(r"^=* ?((?:\d+ [a-z]+(?:, )?)+)(?: in .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Figure:
    """What a measurement gave, in words, and whether the promise holds; None where the reader must judge."""

    text: str
    holds: bool | None


@dataclass(frozen=True, slots=True)
class Promise:
    """A point that an issue must show."""

    issue: int
    point: int
    what: str
    measure: Callable[[], Figure]


Measure: TypeAlias = Callable[[], Figure]


def passes(*selection: str, **environment: str) -> Measure:
    """Runs tests, on all cores, with environment variables that make them full size."""

    def measure() -> Figure:
        command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "loadscope", *selection]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True)
        summary = SUMMARY.findall(done.stdout)
        return Figure(summary[-1] if summary else done.stdout[-200:] + done.stderr[-200:], done.returncode == 0)

    return measure


def user_seconds(limit: float, *command: str, runs: int = 5) -> Measure:
    """The median processor time in user mode of a command of this project, run several times."""

    def measure() -> Figure:
        seconds = sorted(_user_seconds(command) for _ in range(runs))
        median = statistics.median(seconds)
        return Figure(f"{median:.2f} s ({seconds[0]:.2f}-{seconds[-1]:.2f}), at most {limit}", median < limit)

    return measure


def _user_seconds(command: tuple[str, ...]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    run = [str(Path(sys.executable).with_name("mscore")), *command]
    subprocess.run(run, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def sizes_of_modules() -> Figure:
    """How long the modules are and how many stand in one folder."""
    modules = [path for package in ("features", "models", "serving") for path in (ROOT / package).rglob("*.py")]
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in modules]
    folders = [sum(1 for path in modules if path.parent == folder) for folder in {path.parent for path in modules}]
    median, longest, fullest = statistics.median(lengths), max(lengths), max(folders)
    text = f"{len(modules)} modules, median {median:.0f} lines, longest {longest}, at most {fullest} in a folder"
    return Figure(text, median <= 120 and longest <= 400 and fullest <= 25)
