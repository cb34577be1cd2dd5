"""What a pattern yields: episodes of one or several accounts, with measures, evidence and when they were known."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from features.engines.duckdb import DuckDBEngine
from features.kernel.thresholds import Settings, Thresholds, read_thresholds

EVIDENCE_ROWS = 20
Measure = float | int | str | bool | None

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
        ("numbers", pa.map_(pa.string(), pa.float64())),
        ("evidence", pa.string()),
        ("evidence_total", pa.int64()),
        ("links", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Episode:
    """Something accounts did together or alone; times are int64 microseconds since 1970 UTC.

    `evidence` is (table, row id, moment, sentence), in an order that the pattern states: the first `EVIDENCE_ROWS` are
    kept, of `evidence_total` rows (those given, where it is None). `links` is (account, account, kind, shared value,
    weight) for every edge that holds a group together; `superseded_at` is when a later run of the pattern replaces it.
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
    evidence_total: int | None = None

    @property
    def episode_id(self) -> str:
        """A name that the same episode has in every run."""
        text = json.dumps([self.pattern, sorted(self.accounts), self.symbol, self.started_at, self.known_at])
        return f"{self.pattern}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A detector card: what it finds, its settings beside it as YAML, and how it finds it.

    Attributes:
        name: how the pattern is called in episodes and rules.
        card: the detector card of the method it builds ("D04").
        clause: the section of the risk-control guidelines it serves.
        says: what one episode is, in words.
        settings_file: what defines an episode; the code stands beside it under the same name.
        measures: what every episode measures, by name, with its type (float, bool or str): policy rules read these.
        uses: what it reads: activity tables and facts by their names in the engine, patterns whose episodes it reads
            by their names. Whatever writes these runs before it, and nothing else is sure to be there.
        detect: (engine, settings) -> episodes.
        version: moves when the same activity gives other episodes.
    """

    name: str
    card: str
    clause: str
    says: str
    settings_file: Path
    measures: Mapping[str, type]
    uses: tuple[str, ...]
    detect: Callable[[DuckDBEngine, Settings], Iterable[Episode]]
    version: int = 1

    @property
    def writes(self) -> str:
        """What the pattern adds to `episodes`, by its name."""
        return self.name

    @property
    def thresholds(self) -> Thresholds:
        """What defines an episode, each number with its unit and source."""
        return read_thresholds(self.settings_file)

    @property
    def settings(self) -> Settings:
        """What defines an episode, by name."""
        return self.thresholds.values


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
            "numbers": [(name, float(value)) for name, value in e.measures.items() if isinstance(value, int | float)],
            "evidence": json.dumps(e.evidence[:EVIDENCE_ROWS]),
            "evidence_total": len(e.evidence) if e.evidence_total is None else e.evidence_total,
            "links": json.dumps(e.links),
        }
        for e in sorted(episodes, key=lambda e: (e.known_at, e.episode_id))
    ]
    return pa.Table.from_pylist(rows, EPISODES_SCHEMA)
