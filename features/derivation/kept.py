"""Derived states on disk: written whole, found again by what decides them, removed once no process reads them."""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from features.activity.files import identifier, quote
from features.derivation.steps import facts, lineage, steps
from features.engines.duckdb import DuckDBEngine
from features.kernel.claims import Claim, remove_unclaimed

MAX_STATES = 3
ROW_GROUP_ROWS = 100_000
FEATURES = Path(__file__).parents[1]
CODE = ("activity", "derivation", "engines", "facts", "kernel", "patterns")


def name_of_state() -> str:
    """What decides a derived state: the versions of all steps and, so that none is read in error, the code itself.

    Only the cache depends on the code: vectors and models carry versions.
    """
    decided = hashlib.sha256(json.dumps(lineage(step.writes for step in steps())).encode())
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
    if not folder.is_dir():
        return None
    claim = Claim(folder)
    if not all((folder / f"{name}.parquet").is_file() for name in written_names()):
        claim.release()  # removed before it was claimed
        return None
    for name in written_names():
        engine.view(name, f"SELECT * FROM read_parquet({quote(str(folder / f'{name}.parquet'))})")
    return claim


def keep_state(engine: DuckDBEngine, folder: Path) -> None:
    """Writes what the engine derived, and removes the oldest states that no process reads."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    for name in written_names():
        rows = engine.run(f"FROM {identifier(name)}")
        pq.write_table(rows, partial / f"{name}.parquet", row_group_size=ROW_GROUP_ROWS)
    try:
        partial.replace(folder)
    except OSError:  # another process kept the same state meanwhile
        shutil.rmtree(partial, ignore_errors=True)
    states = sorted(folder.parent.parent.glob("*/*"), key=lambda path: path.stat().st_mtime, reverse=True)
    remove_unclaimed(states[MAX_STATES:])
    for lake_state in folder.parent.parent.iterdir():
        if lake_state.is_dir() and not any(lake_state.iterdir()):
            lake_state.rmdir()
