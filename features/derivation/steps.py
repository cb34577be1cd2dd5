"""The steps of the derivation: every fact and pattern found in its folder, in an order computed from what they read."""

from collections.abc import Iterable, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter

from features.activity.schema import TABLES
from features.facts.fact import ACCOUNT_NUMBERS, Fact
from features.kernel.discovery import objects_in
from features.kernel.errors import Invalid
from features.patterns.shared.episode import Pattern

Step = Fact | Pattern
EVERY_PATTERN = "*"
GIVEN = frozenset({*TABLES, ACCOUNT_NUMBERS.get_name()})
"""What the engine holds before the first step: the activity tables, and the numbers of accounts."""


@cache
def steps() -> tuple[Step, ...]:
    """Every fact and pattern, each behind what it reads."""
    return ordered((*objects_in("features.facts", Fact), *objects_in("features.patterns", Pattern)))


def facts() -> tuple[Fact, ...]:
    """Every fact, in the order of the steps."""
    return tuple(step for step in steps() if isinstance(step, Fact))


def patterns() -> tuple[Pattern, ...]:
    """Every pattern, in the order of the steps."""
    return tuple(step for step in steps() if isinstance(step, Pattern))


def ordered(unordered: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, each behind what it reads; patterns and what they need come first, then names decide.

    Raises:
        Invalid: two steps write the same, a step reads what nothing writes, or steps need each other in a circle.
    """
    writers = _writers(unordered)
    needs = {name: _needs(step, writers) for name, step in writers.items()}
    wanted = _behind((name for name, step in writers.items() if isinstance(step, Pattern)), needs)
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise Invalid(f"These steps need each other in a circle: {circle}; take one of the reads away.") from error
    order: list[Step] = []
    ready: set[str] = set()
    while sorter.is_active():
        ready |= set(sorter.get_ready())
        first = min(ready, key=lambda name: (name not in wanted, name))
        ready.remove(first)
        order.append(writers[first])
        sorter.done(first)
    return tuple(order)


def lineage(names: Iterable[str]) -> dict[str, int]:
    """The versions of the steps that write these names, and of everything behind them, by what they write.

    What reads the episodes of every pattern is behind each of them only for its order: who looks at the episodes of
    one pattern through it names that pattern as well. Names that no step writes are left out.
    """
    writers = _writers(steps())
    needs = {name: _needs(step, writers) & _named(step) for name, step in writers.items()}
    return {name: writers[name].version for name in sorted(_behind(needs.keys() & set(names), needs))}


def _writers(declared: Iterable[Step]) -> dict[str, Step]:
    writers: dict[str, Step] = {}
    for step in declared:
        if step.writes in writers or step.writes in GIVEN:
            raise Invalid(f"Two steps write {step.writes}; give one of them another name.")
        writers[step.writes] = step
    return writers


def _needs(step: Step, writers: Mapping[str, Step]) -> set[str]:
    reads = set(step.uses) - GIVEN
    if EVERY_PATTERN in reads:
        reads = reads - {EVERY_PATTERN} | {name for name, other in writers.items() if isinstance(other, Pattern)}
    unknown = sorted(reads - writers.keys())
    if unknown:
        raise Invalid(f"{step.writes} reads {unknown[0]}, which is neither an activity table nor written by a step.")
    return reads


def _named(step: Step) -> set[str]:
    return set(step.uses) - {EVERY_PATTERN}


def _behind(names: Iterable[str], needs: Mapping[str, set[str]]) -> set[str]:
    """The names and everything that is needed for them."""
    reached: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += needs[name]
    return reached
