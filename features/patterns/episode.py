"""What a pattern yields: episodes of one or several accounts, with measures, evidence and when they were known."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from features.engines import DuckDBEngine

Measure = float | int | str | bool | None
Settings = Mapping[str, Any]

EPISODES_SCHEMA = pa.schema(
    [
        ("episode_id", pa.string()),
        ("pattern", pa.string()),
        ("accounts", pa.list_(pa.string())),
        ("symbol", pa.string()),
        ("started_at", pa.int64()),
        ("ended_at", pa.int64()),
        ("known_at", pa.int64()),
        ("superseded_at", pa.int64()),
        ("measures", pa.string()),
        ("evidence", pa.string()),
        ("links", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Episode:
    """Something accounts did together or alone; times are int64 microseconds since 1970 UTC.

    `evidence` is (table, row id, moment, sentence); `links` is (account, account, kind, shared value, weight) for every
    edge that holds a group together; `superseded_at` is when a later run of the pattern replaces it.
    """

    pattern: str
    accounts: tuple[str, ...]
    symbol: str
    started_at: int
    ended_at: int
    known_at: int
    measures: Mapping[str, Measure]
    evidence: tuple[tuple[str, str, int, str], ...]
    links: tuple[tuple[str, str, str, str, float], ...] = ()
    superseded_at: int | None = None

    @property
    def episode_id(self) -> str:
        """A name that the same episode has in every run."""
        text = json.dumps([self.pattern, sorted(self.accounts), self.symbol, self.started_at, self.known_at])
        return f"{self.pattern}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A detector card: what it finds, its settings beside it as YAML, how it finds it, `also` with which files."""

    name: str
    clause: str
    says: str
    settings_file: Path
    detect: Callable[[DuckDBEngine, Settings], Iterable[Episode]]
    also: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """What defines an episode, by name."""
        document: dict[str, dict[str, Any]] = yaml.safe_load(self.settings_file.read_text())
        return {name: entry["value"] for name, entry in document["settings"].items()}

    @property
    def definition(self) -> str:
        """The text that decides what is found, for the catalogue's fingerprint."""
        code = [self.settings_file.with_suffix(".py"), *(self.settings_file.with_name(name) for name in self.also)]
        return "\n".join(path.read_text() for path in (self.settings_file, *code))


def as_table(episodes: Iterable[Episode]) -> pa.Table:
    """Episodes as one Arrow table of `EPISODES_SCHEMA`, ordered by when they were known."""
    rows = [
        {
            "episode_id": e.episode_id,
            "pattern": e.pattern,
            "accounts": list(e.accounts),
            "symbol": e.symbol,
            "started_at": e.started_at,
            "ended_at": e.ended_at,
            "known_at": e.known_at,
            "superseded_at": e.superseded_at,
            "measures": json.dumps(dict(e.measures), sort_keys=True),
            "evidence": json.dumps(e.evidence),
            "links": json.dumps(e.links),
        }
        for e in sorted(episodes, key=lambda e: (e.known_at, e.episode_id))
    ]
    return pa.Table.from_pylist(rows, EPISODES_SCHEMA)
