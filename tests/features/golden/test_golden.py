"""No value moves without its version: every feature and pattern gives on the stored exchange what it gave before."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from features.definitions import CATALOGUE
from features.derivation.steps import patterns
from features.pipeline import Features
from features.vocabulary.aggregates import scaled
from tests.features.golden.record import MOMENTS, VALUES, _of_column, differences, golden_features, present_values

STORED = json.loads(VALUES.read_text())


@pytest.fixture(scope="module")
def features() -> Features:
    """Facts and episodes of the stored exchange."""
    return golden_features()


def test_every_value_is_the_recorded_one_or_has_another_version(features: Features) -> None:
    assert differences(present_values(features), STORED) == []


def test_an_aggregate_that_changes_without_its_version_is_named(features: Features) -> None:
    changed = CATALOGUE["trades_n_7d"]
    spine = pd.concat([features.accounts(at) for at in MOMENTS], ignore_index=True)
    vectors = features.vectors(spine, [replace(changed, value=scaled(changed.value, 2))])
    present = STORED | {"trades_n_7d": _of_column(vectors, "trades_n_7d", CATALOGUE.versions(["trades_n_7d"]))}
    (said,) = differences(present, STORED)
    assert said.startswith("trades_n_7d gives other values and has the version it had")


def test_the_stored_exchange_holds_episodes_of_most_patterns() -> None:
    recorded = [STORED[pattern.name]["examples"]["episodes"] for pattern in patterns() if pattern.name in STORED]
    assert sum(episodes > 0 for episodes in recorded) > len(recorded) / 2


def test_a_pattern_that_finds_nothing_needs_no_record_and_one_that_does_is_named() -> None:
    silent = next(name for name, value in STORED.items() if value["examples"].get("episodes") == 0)
    without = {name: value for name, value in STORED.items() if name not in {silent, "wash_pair"}}
    assert differences(STORED, without) == ["wash_pair has no golden value yet; run `make golden`"]
