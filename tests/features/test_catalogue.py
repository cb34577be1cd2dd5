"""The catalogue: complete, unambiguous, and with a fingerprint that changes with whatever decides a value."""

import math
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace

import pytest

from features.catalogue import UNITS, Catalogue, Feature
from features.definitions import CATALOGUE, FAMILIES
from features.derivation.steps import patterns
from features.facts.orders import ORDERS
from features.kernel.errors import Invalid
from features.vocabulary.aggregates import by_then, count, days

CANCELS = Feature("cancels_7d", ORDERS, count(by_then("cancelled")), days(7), "count", "cancels in 7 days", "5.3")


def test_it_holds_at_least_45_features_in_eight_families_each_named_once() -> None:
    assert len(CATALOGUE) >= 45
    assert len(FAMILIES) == 8
    assert len(set(CATALOGUE.names)) == len(CATALOGUE) == sum(len(features) for features in FAMILIES.values())


@pytest.mark.parametrize("feature", CATALOGUE, ids=lambda feature: feature.name)
def test_every_feature_says_what_it_is(feature: Feature) -> None:
    assert feature.unit in UNITS
    assert feature.window.text
    assert feature.clause
    assert feature.family in FAMILIES
    assert feature.sentence(0.5).endswith(feature.says)
    assert feature.says == feature.says.strip() != ""


def test_a_value_that_is_not_known_is_said_to_be_unknown() -> None:
    surge = CATALOGUE["trades_surge_7d"]
    assert surge.sentence(math.nan).startswith("unknown: its own usual week of fills")
    assert surge.sentence(5.25).startswith("5.25 times its own usual week of fills")


def test_two_features_of_one_name_and_a_made_up_unit_are_refused() -> None:
    with pytest.raises(Invalid, match="cancels_7d"):
        Catalogue((CANCELS, CANCELS))
    with pytest.raises(Invalid, match="unit 'parsec'"):
        replace(CANCELS, unit="parsec")
    with pytest.raises(Invalid, match="no feature 'cancels_8d'"):
        CATALOGUE["cancels_8d"]


def fingerprint(*features: Feature, steps: Mapping[str, int] | None = None) -> str:
    """Of a catalogue of these features, over facts of such versions."""
    return Catalogue(features, lambda _names: steps or {}).fingerprint


def test_the_fingerprint_is_made_of_names_and_versions() -> None:
    assert fingerprint(replace(CANCELS, name="cancels")) != fingerprint(CANCELS)
    assert fingerprint(replace(CANCELS, version=2)) != fingerprint(CANCELS)
    assert fingerprint(CANCELS, steps={"fact_orders": 2}) != fingerprint(CANCELS, steps={"fact_orders": 1})
    assert fingerprint(replace(CANCELS, says="orders withdrawn", clause="5.5")) == fingerprint(CANCELS)


def test_a_feature_depends_on_every_step_behind_its_fact() -> None:
    behind = CATALOGUE.versions(["linked_counterparty_share_7d"])
    assert {
        "linked_counterparty_share_7d",
        "fact_fills",
        "fact_control",
        "controlled_group",
        "wash_pair",
    } <= behind.keys()
    assert "spoofing" not in behind


def test_a_feature_of_episodes_depends_on_the_patterns_it_names_and_on_no_other() -> None:
    assert CATALOGUE.versions(["spoof_episodes_7d"]).keys() == {
        "spoof_episodes_7d",
        "fact_findings",
        "fact_legs",
        "spoofing",
    }
    names = {pattern.name for pattern in patterns()}
    of_episodes = [feature for feature in CATALOGUE if "*" in feature.of.patterns]
    assert [feature.name for feature in of_episodes if not feature.reads & names] == []


@pytest.mark.parametrize("seed", ["1", "2", "3", "4"])
def test_the_fingerprint_is_the_same_in_another_process(seed: str) -> None:
    """Whatever order that process gives its sets."""
    program = "from features.definitions import CATALOGUE; print(CATALOGUE.fingerprint)"
    hashing = {**os.environ, "PYTHONHASHSEED": seed}
    fresh = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=hashing)
    assert fresh.stdout.strip() == CATALOGUE.fingerprint
