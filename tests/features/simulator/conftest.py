"""The tests of the simulator look at the exchange that all tests share."""

import pytest

from features.simulator.exchange import Simulation


@pytest.fixture(scope="session")
def tiny_run(simulated: Simulation) -> Simulation:
    """The tiny exchange."""
    return simulated
