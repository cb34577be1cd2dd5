"""The one small simulated exchange that all tests share, in memory and imported into a home folder."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.activity.importing import Import
from features.home import Home
from features.kernel.progress import silent
from features.pipeline import Features
from features.simulator.exchange import Simulation, simulate
from features.simulator.profiles import PROFILES
from features.simulator.writing import write_simulation

IMPORTED_AT = datetime(2025, 6, 7, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def simulated() -> Simulation:
    """The tiny exchange; nobody may change its tables."""
    return simulate(PROFILES["tiny"], seed=7)


@pytest.fixture(scope="session")
def exchange_folder(simulated: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny exchange as a folder of files."""
    folder = tmp_path_factory.mktemp("exchange")
    write_simulation(simulated, folder)
    return folder


@pytest.fixture(scope="session")
def exchange_home(exchange_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose lake holds the tiny exchange; nobody may import into it."""
    home = Home(tmp_path_factory.mktemp("home"))
    Import(home.lake, home.quarantine, IMPORTED_AT, silent).folder(exchange_folder)
    return home


@pytest.fixture(scope="session")
def exchange(exchange_home: Home) -> Features:
    """Facts and episodes of the tiny exchange, derived once."""
    return Features(exchange_home.lake)
