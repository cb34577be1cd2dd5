"""Records the golden values (`make golden`): a value may only change together with its version.

The exchange under `activity/` was simulated once and cut down; it is stored, so that a change of the simulator changes
no golden value. `--new-activity FOLDER` cuts another one from a simulated exchange and records everything anew.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.activity.snapshot import Activity
from features.definitions import CATALOGUE
from features.derivation.steps import lineage, patterns
from features.pipeline import Features

HERE = Path(__file__).parent
ACTIVITY = HERE / "activity"
VALUES = HERE / "values.json"
MAX_EXAMPLES = 3
MOMENTS = ("2025-06-01T00:00:00Z", "2025-06-05T13:37:11Z", "2025-06-08T00:00:00Z")


@cache
def golden_features() -> Features:
    """Facts and episodes of the stored exchange."""
    return Features(Activity.from_folder(ACTIVITY))


def present_values(features: Features) -> dict[str, dict[str, Any]]:
    """By feature and pattern: the versions behind it, a digest of all it gives, and a few examples."""
    spine = pd.concat([features.accounts(at) for at in MOMENTS], ignore_index=True)
    vectors = features.vectors(spine)
    values = {f.name: _of_column(vectors, f.name, CATALOGUE.versions([f.name])) for f in CATALOGUE}
    rows = features.engine.run("FROM episodes ORDER BY known_at, episode_id").to_pylist()
    for pattern in patterns():
        values[pattern.name] = _of_episodes([r for r in rows if r["pattern"] == pattern.name], lineage([pattern.name]))
    return values


def differences(present: Mapping[str, Mapping[str, Any]], stored: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What moved without its version, or moved with it and has not been recorded; each by name.

    A pattern that finds nothing in the stored exchange needs no record.
    """
    said = []
    for name, value in present.items():
        if name not in stored and value["digest"] == NOTHING:
            continue
        if name not in stored:
            said.append(f"{name} has no golden value yet; run `make golden`")
        elif value["versions"] != stored[name]["versions"]:
            said.append(f"{name}, or a step behind it, has another version; run `make golden` to record it")
        elif value["digest"] != stored[name]["digest"]:
            said.append(
                f"{name} gives other values and has the version it had: raise its version, or mend it "
                f"(was {stored[name]['examples']}, is {value['examples']})"
            )
    return said + [f"{name} is gone; run `make golden`" for name in stored.keys() - present.keys()]


def _of_column(vectors: pd.DataFrame, name: str, versions: Mapping[str, int]) -> dict[str, Any]:
    column = vectors[name].to_numpy(np.float64)
    usual = pd.Series(column).mode(dropna=False).iloc[0]
    told = [place for place, value in enumerate(column) if value != usual and not np.isnan(value)][:MAX_EXAMPLES]
    examples = {
        f"{vectors['account_id'][place]} {vectors['as_of'][place]:%m-%d}": float(column[place]) for place in told
    }
    unknown = np.where(np.isnan(column), np.nan, column + 0.0)  # one NaN and one zero
    return {"versions": dict(versions), "digest": _digest(unknown.tobytes()), "examples": examples}


def _of_episodes(rows: list[dict[str, Any]], versions: Mapping[str, int]) -> dict[str, Any]:
    text = json.dumps(rows, sort_keys=True, default=str)
    examples = {row["episode_id"]: len(row["accounts"]) for row in rows[:MAX_EXAMPLES]}
    return {
        "versions": dict(versions),
        "digest": _digest(text.encode()),
        "examples": {"episodes": len(rows), **examples},
    }


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


NOTHING = _of_episodes([], {})["digest"]
"""What a pattern without episodes gives."""


def cut(folder: Path) -> None:
    """Stores the part of a simulated exchange that is small and still holds episodes of most patterns."""
    features = Features(Activity.from_folder(folder))
    told = "SELECT DISTINCT unnest(accounts) FROM episodes WHERE len(accounts) <= 12"
    chosen = f"SELECT account_id FROM accounts WHERE account_id IN ({told}) OR hash(account_id) % 16 = 0"
    features.engine.connection.execute(f"CREATE TABLE chosen AS {chosen}")
    ACTIVITY.mkdir(exist_ok=True)
    for name, files in features.activity.tables.items():
        if not files:
            continue
        columns = features.engine.connection.execute(f"DESCRIBE FROM read_parquet({list(files)})").fetchall()
        names = {column[0] for column in columns}
        where = {
            "trades": "maker_account_id IN (FROM chosen) OR taker_account_id IN (FROM chosen)",
            "order_events": "account_id IN (FROM chosen) AND account_id NOT IN "
            "(SELECT account_id FROM order_events GROUP BY 1 HAVING count(*) > 4000)",
        }.get(name, "account_id IN (FROM chosen)" if "account_id" in names and name != "accounts" else "true")
        if name in {"quotes", "marks"}:
            where = "false"
        query = f"COPY (FROM read_parquet({list(files)}) WHERE {where}) TO '{ACTIVITY / name}.parquet' (CODEC zstd)"
        features.engine.connection.execute(query)


def main(arguments: list[str]) -> int:
    """Records what may be recorded; refuses a value that moved without its version."""
    everything = arguments[:1] == ["--new-activity"]
    if everything:
        cut(Path(arguments[1]))
    present = present_values(golden_features())
    stored = json.loads(VALUES.read_text()) if VALUES.is_file() and not everything else {}
    refused = [line for line in differences(present, stored) if "has the version it had" in line]
    for line in refused:
        print(line, file=sys.stderr)
    if not refused:
        VALUES.write_text(json.dumps(present, indent=1) + "\n")
        print(f"{len(present)} golden values recorded")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
