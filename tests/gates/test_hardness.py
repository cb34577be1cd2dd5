"""What of the gates can be checked in seconds; `make gates` measures them all."""

import dataclasses

import numpy as np
import pytest

from features.simulator.exchange import Simulation, simulate
from features.simulator.profiles import PROFILES
from tests.gates.account_weeks import RULES, prevalence
from tests.gates.hardness import prevalence_holds, same_label_rate, single_feature_auc

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


def test_the_area_is_that_of_the_better_direction() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(500) < 0.1
    values = rng.normal(size=500) + 2.0 * positive
    assert single_feature_auc(values, positive) == pytest.approx(single_feature_auc(-values, positive))
    assert single_feature_auc(np.zeros(500), positive) == pytest.approx(0.5)


def test_neighbours_of_a_separate_cluster_have_the_same_label() -> None:
    rng = np.random.default_rng(0)
    positive = np.arange(200) < 40
    apart = rng.normal(size=(200, 2)) + 50.0 * positive[:, None]
    assert same_label_rate(apart, positive) == 1
    assert same_label_rate(rng.normal(size=(200, 2)), positive) < 0.5
