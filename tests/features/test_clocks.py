"""A fact that forgets one of the two clocks is caught: its values are not those of the activity cut at the moment."""

import numpy as np
import pandas as pd
import pytest
from ibis import _
from ibis.common.deferred import Deferred

from features.catalogue import Feature
from features.facts.fact import Fact
from features.facts.fills import FILLS
from features.pipeline import Features
from features.simulator.exchange import Simulation
from features.vocabulary.aggregates import days, total, usd
from tests.features.test_point_in_time import chosen_moment, cut

MUTATIONS: dict[str, tuple[str, dict[str, Deferred]]] = {
    "as if known when it happened": ("late trade", {"known_from": _.ts}),
    "as if what happens now had happened": ("at a trade", {"ts": _.ts - 1}),
}


def volumes(features: Features, spine: pd.DataFrame, changes: dict[str, Deferred]) -> np.ndarray:
    """The week's volume of everybody over fills with these columns changed."""
    fact = Fact("mutated", "a fill", FILLS.rows.mutate(**changes), "trades")
    features.engine.create_fact(fact.writes, fact.rows)
    feature = Feature("mutated_usd", fact, usd(total(_.notional)), days(7), "usd", "traded", "5.3")
    return features.vectors(spine, [feature])["mutated_usd"].to_numpy()


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_dropping_either_clock_of_a_fact_shows(simulated: Simulation, exchange: Features, mutation: str) -> None:
    kind, changes = MUTATIONS[mutation]
    moment = chosen_moment(simulated, kind)
    past = Features(cut(simulated.activity, moment))
    spine = past.accounts(moment)
    assert np.array_equal(volumes(exchange, spine, {}), volumes(past, spine, {}))
    assert not np.array_equal(volumes(exchange, spine, changes), volumes(past, spine, changes))
