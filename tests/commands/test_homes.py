"""A home that is not there: commands that need one say so and make nothing; those that begin one make it."""

from pathlib import Path

import pytest

from features.kernel.errors import NotFound
from features.kernel.folders import require_home
from tests.commands.calling import Call, is_one_sentence
from tests.commands.test_calls import ALL

NEED_A_HOME = [
    "quarantine list",
    "features build --as-of 2025-06-05 --out {tmp}/deep/v.parquet",
    "evidence cancel_ratio_7d FLOCK-A1 --as-of 2025-06-05",
    "evidence wash_ring-1 --as-of 2025-06-05",
    "episodes --as-of 2025-06-05",
    "train",
    "promote anomaly 1",
    "report anomaly --out {tmp}/p.html",
    "alerts --as-of 2025-06-05",
    "drift",
    "predict anomaly --spine {spine} --out {tmp}/p.parquet",
    "explain FLOCK-A1 --as-of 2025-06-05",
    "score --as-of 2025-06-05",
    "reviews list",
    "reviews show rev_1",
    "reviews close rev_1 --finding cleared --by ria",
    "feedback",
    "keys revoke msk_1",
    "keys list",
    "users list",
    "users password ria --password correct-horse-battery",
    "users disable ria",
    "users sign-out ria",
    "login ria --password correct-horse-battery",
    "lists add mixer address x --source s --reason r",
    "lists remove mixer address x --source s --reason r",
    "lists show mixer",
    "orders add o-1 --account A --authority court --scope freeze",
    "orders lift o-1 --reason r",
    "changes list",
    "changes approve chg_1",
    "changes refuse chg_1",
    "measures list",
    "clock show",
    "record verify",
    "status",
]
NEED_NONE = ["features describe", "policy check"]
"""The home only keeps what makes them quicker."""
BEGIN_ONE = {"demo", "import", "labels import", "keys create", "users add", "clock set", "migrate", "serve"}
OTHERS = {"simulate", "policy backtest"}


def test_every_command_is_of_one_kind() -> None:
    names = {" ".join(command) for command in ALL}
    kinds = [
        {name for name in names if any(f"{line} ".startswith(f"{name} ") for line in NEED_A_HOME)},
        set(NEED_NONE),
        BEGIN_ONE,
        OTHERS,
    ]
    assert sorted(name for kind in kinds for name in kind) == sorted(names)


@pytest.mark.parametrize("line", NEED_A_HOME)
def test_a_command_that_needs_a_home_says_that_there_is_none_and_makes_nothing(
    call: Call, places: dict[str, str], tmp_path: Path, line: str
) -> None:
    home = tmp_path / "mistyped" / "home"
    said = call(*line.format(tmp=tmp_path, spine=f"{places['tmp']}/spine.csv").split(), "--home", str(home))
    assert is_one_sentence(said), said
    assert f"There is no home {home}" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", NEED_NONE)
def test_a_command_that_needs_no_home_answers_and_makes_none(call: Call, tmp_path: Path, line: str) -> None:
    assert call(*line.split(), "--home", str(tmp_path / "home"), "--json").code == 0
    assert list(tmp_path.iterdir()) == []


def test_reviews_of_a_database_elsewhere_need_no_home(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MSCORE_DATABASE_URL", f"sqlite:///{tmp_path}/elsewhere.db")
    assert call("reviews", "list", "--home", str(tmp_path / "home"), "--json").document["reviews"] == []
    assert not (tmp_path / "home").exists()


def test_a_file_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotFound, match="There is no home"):
        require_home(tmp_path / "file")
