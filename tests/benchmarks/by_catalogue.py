"""Our contender: declared features over the facts they need, and the whole catalogue with its patterns."""

import sys
import time
from collections.abc import Iterable
from pathlib import Path

import ibis.expr.operations as ops
import pandas as pd

from features.activity.snapshot import Activity
from features.catalogue import Feature
from features.definitions import CATALOGUE
from features.derivation.steps import steps
from features.engines.duckdb import DuckDBEngine
from features.facts.account_status import ACCOUNTS
from features.facts.fact import Fact
from features.kernel.progress import silent
from features.patterns.shared.episode import EPISODES_SCHEMA
from features.pipeline import Features
from features.queries import queries
from tests.benchmarks.measuring import REPEATS, Report
from tests.benchmarks.plain import AS_OF, NAMES, training_spine


class PlainFeatures(Features):
    """Features over only the facts that the chosen ones need; no pattern has looked for anything."""

    def __init__(self, activity: Activity, chosen: Iterable[Feature]) -> None:
        self.activity = activity
        self.engine = DuckDBEngine(activity)
        self.progress = silent
        self.engine.register("episodes", EPISODES_SCHEMA.empty_table())
        for fact in needed_facts(chosen):
            self.engine.create_fact(fact.writes, fact.rows)


def needed_facts(chosen: Iterable[Feature]) -> list[Fact]:
    """The facts that features read and the facts that those are made of, in the order of derivation."""
    facts = {step.writes: step for step in steps() if isinstance(step, Fact)}
    wanted = [ACCOUNTS.writes, *(feature.of.writes for feature in chosen)]
    needed: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in facts and name not in needed:
            needed.add(name)
            wanted += [table.name for table in facts[name].rows.op().find(ops.UnboundTable)]
    return [fact for name, fact in facts.items() if name in needed]


class Stopwatch:
    """Notes when each step of a long work begins; a step lasts until the next."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, float]] = []

    def progress(self, what: str, _share: float = 0.0) -> None:
        """Called by the work as a step begins."""
        self.begun.append((what, time.perf_counter()))

    @property
    def seconds(self) -> dict[str, float]:
        """How long each step took, all but the last."""
        steps: dict[str, float] = {}
        for (what, started), (_, ended) in zip(self.begun, self.begun[1:], strict=False):
            steps[what] = steps.get(what, 0.0) + ended - started
        return steps


def plain(folder: Path, out: Path) -> None:
    """The plain features of all accounts at one moment, and of a training spine."""
    report = Report()
    chosen = tuple(CATALOGUE[name] for name in NAMES)
    activity = Activity.from_folder(folder)
    report.step("compile", lambda: queries(chosen))
    features = report.step("prepare", lambda: PlainFeatures(activity, chosen))
    everybody = features.accounts(AS_OF)
    moment = report.step("moment", lambda: features.vectors(everybody, chosen), REPEATS)
    pairs = training_spine(folder)
    spine = report.step("spine", lambda: features.vectors(pairs, chosen), REPEATS)
    report.write(out, "catalogue", moment=moment.set_index("account_id")[list(NAMES)], spine=spine[list(NAMES)])


def whole(folder: Path, out: Path) -> None:
    """The whole catalogue from a cold start: facts, patterns, then vectors of all accounts."""
    report = Report()
    watch = Stopwatch()
    features = report.step("derive", lambda: Features(Activity.from_folder(folder), watch.progress))
    everybody: pd.DataFrame = features.accounts(AS_OF)
    watch.progress("end")
    report.step("vectors", lambda: features.vectors(everybody))
    watch.progress("end")
    steps = {what: taken for what, taken in watch.seconds.items() if what != "end"}
    report.seconds |= {f"step: {what}": taken for what, taken in steps.items()}
    report.write(out, "whole")


if __name__ == "__main__":
    {"plain": plain, "whole": whole}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
