"""What a benchmarked process reports: seconds a step, the peak of its memory, and the values it computed."""

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

import pandas as pd

REPEATS = 5
T = TypeVar("T")


@dataclass(slots=True)
class Report:
    """Seconds by step, and MB that the process had reached when a step ended."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)

    def step(self, name: str, work: Callable[[], T], repeats: int = 1) -> T:
        """The result of the work; the fastest of the repeats counts."""
        taken = []
        for _ in range(repeats):
            started = time.perf_counter()
            result = work()
            taken.append(time.perf_counter() - started)
        self.seconds[name] = min(taken)
        self.peak_mb[name] = peak_mb()
        return result

    def write(self, folder: Path, name: str, **values: pd.DataFrame) -> None:
        """Leaves the report and the values for the process that compares."""
        for what, frame in values.items():
            frame.to_parquet(folder / f"{name}.{what}.parquet")
        (folder / f"{name}.json").write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path, name: str) -> "Report":
        """The report that a process left."""
        return cls(**json.loads((folder / f"{name}.json").read_text()))


def peak_mb() -> float:
    """The most memory this process ever held, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
