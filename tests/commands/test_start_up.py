"""What a command loads: one that reads the database or prints a list waits for no library that it does not need."""

import subprocess
import sys
from pathlib import Path

import pytest

from features.home import Home
from serving.commands.start import database_of, settings_of
from serving.reviews.store import ReviewLog
from tests.serving.cases import ring_review

CALL = """
import sys
from serving.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
loaded = sorted({name.partition(".")[0] for name in sys.modules})
print("LOADED", code, *loaded, file=sys.stderr)
"""
HEAVY = frozenset(
    [
        "pandas",
        "ibis",
        "duckdb",
        "mlflow",
        "fastapi",
        "alembic",
        "numba",
        "shap",
        "lightgbm",
        "sklearn",
        "scipy",
        "networkx",
        "uvicorn",
    ]
)
STORES = HEAVY | {"pyarrow", "deltalake", "numpy", "sqlglot"}
LISTS = HEAVY | {"sqlglot"}
ENGINE = {"duckdb", "pandas"}
"""What reads Parquet files and the lake may load these."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a review, whose catalogue and policy have been listed before."""
    folder = tmp_path_factory.mktemp("home")
    with database_of(settings_of(folder)).transaction() as transaction:
        ReviewLog(transaction).open(ring_review())
    assert Home(folder).lake.version is None
    assert loaded_by("status", "--home", str(folder))[0] == 0
    return folder


def loaded_by(*arguments: str) -> tuple[int, frozenset[str]]:
    """The exit code of a call in a process of its own, and the packages it has loaded."""
    done = subprocess.run([sys.executable, "-c", CALL, *arguments], capture_output=True, text=True)
    code, *packages = done.stderr.splitlines()[-1].removeprefix("LOADED ").split()
    return int(code), frozenset(packages)


@pytest.mark.parametrize(
    ("line", "unwanted"),
    [
        ("--help", STORES | {"sqlalchemy", "pydantic", "yaml"}),
        ("--version", STORES | {"sqlalchemy", "pydantic", "yaml"}),
        ("reviews list --json --home {home}", STORES),
        ("reviews list --waiting --home {home}", STORES),
        ("reviews show rev_flock --home {home}", STORES),
        ("reviews --help", STORES),
        ("keys create --role reviewer --home {home}", STORES),
        ("keys --help", STORES),
        ("users --help", STORES),
        ("migrate --home {home}", STORES),
        ("quarantine list --home {home}", LISTS - ENGINE),
        ("status --json --home {home}", LISTS - ENGINE),
        ("features describe --json --home {home}", LISTS),
        ("policy check --json --home {home}", HEAVY - {"duckdb"}),
    ],
)
def test_a_command_that_reads_or_lists_loads_no_heavy_library(home: Path, line: str, unwanted: frozenset[str]) -> None:
    code, loaded = loaded_by(*line.format(home=home).split())
    assert code == 0
    assert sorted(loaded & unwanted) == []


def test_a_database_that_is_behind_is_migrated_by_the_command_that_meets_it(tmp_path: Path) -> None:
    code, loaded = loaded_by("reviews", "list", "--home", str(tmp_path))
    assert (code, "alembic" in loaded) == (0, True)
    code, loaded = loaded_by("reviews", "list", "--home", str(tmp_path))
    assert (code, "alembic" in loaded) == (0, False)
