"""A home of its own for each test of imports."""

from pathlib import Path

import pytest

from tests.features.activity.exports import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Nothing imported yet."""
    return Desk(tmp_path)
