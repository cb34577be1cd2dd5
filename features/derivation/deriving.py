"""Derives facts and episodes from activity, once per state of the lake."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pyarrow as pa

from features.activity.files import identifier
from features.derivation.kept import keep_state, name_of_state, read_state
from features.derivation.steps import Step, patterns, steps
from features.engines.ceilings import ceilings_table
from features.engines.compiling import compiled
from features.engines.duckdb import DuckDBEngine
from features.facts.fact import Fact
from features.kernel.claims import Claim
from features.kernel.progress import Progress
from features.patterns.shared.episode import EPISODES_SCHEMA, Episode, Pattern, as_table


def episode_measures() -> dict[str, Mapping[str, type]]:
    """What the episodes of each pattern measure, by pattern and measure: policy rules may read these."""
    return {pattern.name: pattern.measures for pattern in patterns()}


def episode_meanings() -> dict[str, str]:
    """What the episodes of each pattern show, in words, by pattern."""
    return {pattern.name: pattern.says for pattern in patterns()}


def derive(engine: DuckDBEngine, progress: Progress) -> Claim | None:
    """Gives the engine `fact_<name>` for every fact, `episodes`, and `ceilings` with what was left out.

    Where the activity has a folder for what is derived, a state is derived once and then read: the claim on it, if
    any, has to be held as long as the engine is used.
    """
    folder = _folder(engine)
    claim = read_state(engine, folder) if folder else None
    if claim is None:
        run_steps(engine, steps(), progress)
        engine.sql.keep()
        if folder:
            keep_state(engine, folder)
    return claim


def _folder(engine: DuckDBEngine) -> Path | None:
    """Where the state is kept: one folder for each correction that is the last one it knows of."""
    derived = engine.activity.derived
    if derived is None:
        return None
    corrected = "" if engine.moment is None else f"-{engine.moment}"
    return derived.with_name(f"{derived.name}{corrected}") / name_of_state()


def run_steps(engine: DuckDBEngine, chosen: tuple[Step, ...], progress: Progress) -> None:
    """Runs the steps in their order; what patterns share among themselves is dropped after the last of them."""
    episodes: list[Episode] = []
    _register(engine, "episodes", EPISODES_SCHEMA.empty_table())
    last = max((place for place, step in enumerate(chosen) if isinstance(step, Pattern)), default=-1)
    for place, step in enumerate(chosen):
        if isinstance(step, Fact):
            progress(f"deriving {step.name}", place / len(chosen))
            engine.create_fact(step.writes, engine.sql.of(step.writes, partial(compiled, step.rows)))
        else:
            progress(f"looking for {step.name.replace('_', ' ')}", place / len(chosen))
            detected = list(step.detect(engine, step.settings))
            if detected:
                episodes += detected
                _register(engine, "episodes", as_table(episodes))
        if place == last:
            engine.forget_temporary()
    _register(engine, "ceilings", ceilings_table(engine.ceilings))


def _register(engine: DuckDBEngine, name: str, rows: pa.Table) -> None:
    engine.register(f"_{name}", rows)
    engine.create(name, f"SELECT * FROM {identifier('_' + name)}")
