"""One tiny simulated exchange for all tests of the simulator."""

import pytest

from features.simulator.exchange import Simulation, simulate
from features.simulator.profiles import PROFILES


@pytest.fixture(scope="session")
def tiny_run() -> Simulation:
    return simulate(PROFILES["tiny"], seed=7)
