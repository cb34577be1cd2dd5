"""What of the gates can be checked in seconds; `make gates` measures them all."""

import dataclasses

import numpy as np
import pytest

from features.simulator.exchange import Simulation, simulate
from features.simulator.profiles import PROFILES
from tests.studies.account_weeks import RULES, prevalence
from tests.studies.hardness import best_feature, first_components, known_values, prevalence_holds, same_label_rate

SMALL = PROFILES["small"]
SEED = 101


@pytest.fixture(scope="module")
def run() -> Simulation:
    """The small exchange with fewer idle quotes, which no gate looks at."""
    return simulate(dataclasses.replace(SMALL, idle_quotes=5_000), SEED)


def test_violations_are_as_rare_as_the_reference_says(run: Simulation) -> None:
    assert prevalence_holds(*prevalence(run, SMALL.days))


def test_every_violating_unit_has_three_look_alikes(run: Simulation) -> None:
    truth = run.truth["truth_accounts"].to_pandas()
    alike = truth.resembles.value_counts()
    guilty = truth[truth.typology.notna() & (truth.role != "flock_ring")]
    units = guilty.groupby("typology").ring_id.nunique()
    missing = {name: (count, alike.get(name, 0)) for name, count in units.items() if alike.get(name, 0) < 3 * count}
    assert not missing


def test_rules_decide_only_what_is_state_or_law() -> None:
    assert "spoofing" not in RULES
    assert "kyc_gate" in RULES


def test_the_best_feature_is_measured_where_it_was_not_chosen_in_its_better_direction() -> None:
    rng = np.random.default_rng(0)
    positive, first = rng.random(1_000) < 0.1, np.arange(1_000) % 2 == 0
    noise = rng.normal(size=(1_000, 300))
    assert abs(best_feature(noise, positive, (first, ~first))[1] - 0.5) < 0.1, "the best of many is no better elsewhere"
    telling = np.column_stack([noise, noise[:, 0] - 2.0 * positive])
    best, area = best_feature(telling, positive, (first, ~first))
    assert best == 300
    assert area > 0.9


def test_what_is_unknown_tells_nothing_and_breaks_nothing() -> None:
    rng = np.random.default_rng(0)
    positive, first = rng.random(1_000) < 0.1, np.arange(1_000) % 2 == 0
    values = np.column_stack([rng.normal(size=1_000) - 2.0 * positive, rng.normal(size=1_000), rng.normal(size=1_000)])
    values[::3, 1] = np.nan
    values[:, 2] = np.nan
    assert best_feature(known_values(values), positive, (first, ~first))[0] == 0
    assert np.isfinite(first_components(known_values(values))).all()


def test_neighbours_of_a_separate_cluster_have_the_same_label() -> None:
    rng = np.random.default_rng(0)
    positive = np.arange(200) < 40
    apart = rng.normal(size=(200, 2)) + 50.0 * positive[:, None]
    assert same_label_rate(apart, positive) == 1
    assert same_label_rate(rng.normal(size=(200, 2)), positive) < 0.5
