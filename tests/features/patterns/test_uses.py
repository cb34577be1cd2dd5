"""A pattern reads what it declares in `uses`: all of it, and nothing else."""

from collections.abc import Mapping

import duckdb
import pytest

from features.activity.files import identifier
from features.activity.schema import TABLES
from features.derivation.steps import facts, patterns
from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.thresholds import Settings
from features.patterns.shared.episode import Pattern
from features.pipeline import Features
from tests.features.golden.record import golden_features

PATTERNS = patterns()
NAMES = [pattern.name for pattern in PATTERNS]
EASIER: Mapping[str, Settings] = {
    "lockstep": {"support": 4, "bin_jaccard": 0.01},
    "unlinked_ring": {"min_accounts": 2, "part_of_whole": 0.0},
}
"""So that these find something to judge in the stored exchange, and read what they read then."""


@pytest.fixture(scope="module")
def golden() -> Features:
    """Facts and episodes of the stored exchange."""
    return golden_features()


def _named(value: Pattern | str) -> str:
    return value if isinstance(value, str) else value.name


def engine_with(uses: set[str], features: Features) -> DuckDBEngine:
    """An engine with these activity tables, facts and episodes of patterns, and nothing else."""
    engine = DuckDBEngine(features.engine.activity)
    for table in TABLES.keys() - uses:
        engine.connection.execute(f"DROP VIEW {identifier(table)}")
    for fact in ("account_numbers", *(fact.writes for fact in facts() if fact.writes in uses)):
        engine.register(fact, features.engine.run(f"FROM {identifier(fact)}"))
    if found_before := sorted(uses & set(NAMES)):
        sql = filled("FROM episodes WHERE pattern IN $found_before", found_before=found_before)
        engine.register("episodes", features.engine.run(sql))
    return engine


@pytest.mark.parametrize("pattern", PATTERNS, ids=NAMES)
def test_a_pattern_finds_the_same_where_nothing_is_but_what_it_uses(pattern: Pattern, golden: Features) -> None:
    found = pattern.detect(engine_with(set(pattern.uses), golden), pattern.settings)
    known = golden.engine.run(filled("SELECT episode_id FROM episodes WHERE pattern = $name", name=pattern.name))
    assert sorted(episode.episode_id for episode in found) == sorted(known["episode_id"].to_pylist())


@pytest.mark.parametrize("name", EASIER)
def test_a_pattern_that_judges_more_reads_nothing_else(name: str, golden: Features) -> None:
    (pattern,) = (pattern for pattern in PATTERNS if pattern.name == name)
    list(pattern.detect(engine_with(set(pattern.uses), golden), {**pattern.settings, **EASIER[name]}))


@pytest.mark.parametrize(("pattern", "name"), [(p, name) for p in PATTERNS for name in p.uses], ids=_named)
def test_what_a_pattern_says_that_it_uses_is_read(pattern: Pattern, name: str, golden: Features) -> None:
    engine = engine_with(set(pattern.uses) - {name}, golden)
    missing = "episodes" if name in NAMES else name
    with pytest.raises(duckdb.CatalogException, match=missing):
        list(pattern.detect(engine, {**pattern.settings, **EASIER.get(pattern.name, {})}))
