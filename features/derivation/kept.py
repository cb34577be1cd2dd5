"""Derived states on disk: written whole, found again by what decides them, removed once no process reads them."""

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from features.activity.durable import make_durable
from features.activity.files import identifier, quote
from features.derivation.steps import facts
from features.engines.duckdb import DuckDBEngine
from features.kernel.claims import MIN_AGE_SECONDS, Claim, remove, remove_unclaimed

MAX_STATES = 3
PARTIAL = "."
"""Stands in the name of a folder that is being written or removed, never in the name of a state."""
ROW_GROUP_ROWS = 100_000
FEATURES = Path(__file__).parents[1]
CODE = ("activity", "derivation", "engines", "facts", "kernel", "patterns")


def name_of_state() -> str:
    """What decides a derived state: the code of its steps and the engine's version, so that none is read in error.

    Only the cache depends on the code: vectors and models carry versions.
    """
    decided = hashlib.sha256(duckdb.__version__.encode())
    for folder in CODE:
        for path in sorted((FEATURES / folder).rglob("*")):
            if path.suffix in {".py", ".yaml"}:
                decided.update(path.read_bytes())
    return decided.hexdigest()[:16]


def written_names() -> list[str]:
    """The tables that a derived state holds."""
    return ["account_numbers", *(fact.writes for fact in facts()), "episodes", "ceilings"]


def read_state(engine: DuckDBEngine, folder: Path) -> Claim | None:
    """Gives the engine a kept state and claims it, or None where it is not there."""
    try:
        claim = Claim(folder)
    except FileNotFoundError:
        return None
    try:
        for name in written_names():
            engine.view(name, f"SELECT * FROM read_parquet({quote(str(folder / f'{name}.parquet'))})")
    except duckdb.Error:  # a file is missing or damaged
        for name in written_names():
            engine.connection.execute(f"DROP VIEW IF EXISTS {identifier(name)}")
        claim.release()
        remove(folder)
        return None
    with suppress(OSError):  # who may only read does not make it younger
        os.utime(folder)
    return claim


def keep_state(engine: DuckDBEngine, folder: Path) -> None:
    """Writes what the engine derived, and removes the oldest states that no process reads."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    claim = Claim(Path(tempfile.mkdtemp(prefix=f"{folder.name}{PARTIAL}", dir=folder.parent)))
    for name in written_names():
        rows = engine.run(f"FROM {identifier(name)}")
        pq.write_table(rows, claim.folder / f"{name}.parquet", row_group_size=ROW_GROUP_ROWS)
    make_durable(*claim.folder.iterdir(), claim.folder)
    try:
        claim.folder.replace(folder)
    except OSError:  # another process kept the same state meanwhile
        shutil.rmtree(claim.folder, ignore_errors=True)
    claim.release()
    _remove_oldest(folder.parent.parent)


def _remove_oldest(derived: Path) -> None:
    """Removes what is unclaimed and none of the newest states; what was left half written or half removed is none."""
    folders = list(derived.glob("*/*"))
    whole = sorted((path for path in folders if PARTIAL not in path.name), key=_written_at, reverse=True)
    remove_unclaimed([*whole[MAX_STATES:], *(path for path in folders if PARTIAL in path.name)])
    latest = time.time() - MIN_AGE_SECONDS
    for lake_state in derived.iterdir():
        with suppress(OSError):  # it holds a state, or another process was faster
            if lake_state.stat().st_mtime <= latest:
                lake_state.rmdir()


def _written_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:  # another process removes it
        return 0.0
