"""Derives facts and episodes from activity, once per state of the lake, in the order in which they need each other."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from inspect import getsource
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features import engines
from features.activity.files import identifier, quote
from features.engines import DuckDBEngine, compiled
from features.facts.access import LISTED_SESSIONS, SECURITY, SESSIONS
from features.facts.engagement import BALANCES, LINKED_REWARDS, PARTICIPATIONS, STAKING
from features.facts.fact import Fact
from features.facts.fills import FILLS
from features.facts.findings import FINDINGS, WASHING
from features.facts.flows import FLOWS
from features.facts.links import CONTROLLED, LINKS
from features.facts.orders import ORDERS
from features.facts.standing import ACCOUNTS, LEGAL_ORDERS, REFERRALS, VERIFICATIONS
from features.patterns.episode import EPISODES_SCHEMA, Episode, Pattern, as_table
from features.patterns.position_limit_ring import POSITION_LIMIT_RING
from features.patterns.spoofing import SPOOFING
from features.patterns.wash import WASH_PAIR

PATTERNS: tuple[Pattern, ...] = (SPOOFING, WASH_PAIR, POSITION_LIMIT_RING)
LINK_FACTS: tuple[Fact, ...] = (LINKS, CONTROLLED)
FACTS: tuple[Fact, ...] = (
    ACCOUNTS,
    VERIFICATIONS,
    LEGAL_ORDERS,
    REFERRALS,
    SESSIONS,
    LISTED_SESSIONS,
    SECURITY,
    FLOWS,
    STAKING,
    PARTICIPATIONS,
    LINKED_REWARDS,
    BALANCES,
    FINDINGS,
    WASHING,
    FILLS,
    ORDERS,
)
DAY_US = 86_400 * 1_000_000
STATES_KEPT = 3
PAIRS_SCHEMA = pa.schema(
    [
        ("account_a", pa.string()),
        ("account_b", pa.string()),
        ("symbol", pa.string()),
        ("window_from", pa.int64()),
        ("known_at", pa.int64()),
        ("superseded_at", pa.int64()),
        ("episode_id", pa.string()),
        ("lift_milli", pa.int64()),
    ]
)

Progress = Callable[[str, float], None]


@cache
def definitions() -> str:
    """Everything that decides facts and episodes, as text for fingerprints."""
    facts = [f"{fact.name}: {compiled(fact.rows)}" for fact in (*LINK_FACTS, *FACTS)]
    presented = getsource(engines) + getsource(_wash_pairs)
    return "\n".join([*facts, *(pattern.definition for pattern in PATTERNS), presented])


def episode_measures() -> dict[str, Mapping[str, type]]:
    """What the episodes of each pattern measure, by pattern and measure: policy rules may read these."""
    return {pattern.name: pattern.measures for pattern in PATTERNS}


def derive(engine: DuckDBEngine, progress: Progress) -> None:
    """Gives the engine `fact_<name>` for every fact, `episodes` and `wash_pairs`.

    Where the activity has a folder for what is derived, a state is derived once and then read.
    """
    folder = engine.activity.derived
    kept = folder / hashlib.sha256(definitions().encode()).hexdigest()[:16] if folder else None
    names = [f"fact_{fact.name}" for fact in (*LINK_FACTS, *FACTS)] + ["episodes", "wash_pairs"]
    if kept and kept.is_dir():
        for name in names:
            engine.view(name, f"SELECT * FROM read_parquet({quote(str(kept / f'{name}.parquet'))})")
        return
    _derive(engine, progress)
    if kept:
        _keep(engine, names, kept)


def _derive(engine: DuckDBEngine, progress: Progress) -> None:
    steps = len(LINK_FACTS) + len(PATTERNS) + len(FACTS)
    done = 0
    for fact in LINK_FACTS:
        progress(f"deriving {fact.name}", done / steps)
        engine.create(f"fact_{fact.name}", fact.rows)
        done += 1
    episodes: list[Episode] = []
    _register(engine, "episodes", EPISODES_SCHEMA.empty_table())
    for pattern in PATTERNS:
        progress(f"looking for {pattern.name.replace('_', ' ')}", done / steps)
        found = list(pattern.detect(engine, pattern.settings))
        done += 1
        if found:
            episodes += found
            _register(engine, "episodes", as_table(episodes))
    _register(engine, "wash_pairs", _wash_pairs(episodes))
    for fact in FACTS:
        progress(f"deriving {fact.name}", done / steps)
        engine.create(f"fact_{fact.name}", fact.rows)
        done += 1


def _register(engine: DuckDBEngine, name: str, rows: pa.Table) -> None:
    engine.register(f"_{name}", rows)
    engine.create(name, f"SELECT * FROM {identifier('_' + name)}")


def _wash_pairs(episodes: list[Episode]) -> pa.Table:
    """Both directions of every wash pair, with the window its run looked at."""
    width = int(WASH_PAIR.settings["window_days"]) * DAY_US
    rows = [
        {
            "account_a": one,
            "account_b": other,
            "symbol": e.symbol,
            "window_from": e.known_at - width,
            "known_at": e.known_at,
            "superseded_at": e.superseded_at,
            "episode_id": e.episode_id,
            "lift_milli": round(float(e.measures["lift"] or 0) * 1_000),
        }
        for e in episodes
        if e.pattern == WASH_PAIR.name
        for one, other in (e.accounts, e.accounts[::-1])
    ]
    return pa.Table.from_pylist(rows, PAIRS_SCHEMA)


def _keep(engine: DuckDBEngine, names: list[str], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    for name in names:
        order = " ORDER BY account_id, ts" if name.startswith("fact_") else ""
        rows = engine.run(f"SELECT * FROM {identifier(name)}{order}")
        pq.write_table(rows, partial / f"{name}.parquet", row_group_size=100_000)
    try:
        partial.replace(folder)
    except OSError:  # another process kept the same state meanwhile
        shutil.rmtree(partial, ignore_errors=True)
    states = sorted(folder.parent.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for older in states[STATES_KEPT:]:
        shutil.rmtree(older, ignore_errors=True)
