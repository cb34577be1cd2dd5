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
from features.ceilings import ceilings_table
from features.engines import DuckDBEngine, compiled
from features.facts import link_settings
from features.facts.access import LISTED_ORDERS, LISTED_SESSIONS, SECURITY, SESSIONS
from features.facts.associations import ASSOCIATIONS, CONTROLLED
from features.facts.engagement import BALANCES, LINKED_REWARDS, PARTICIPATIONS, STAKING
from features.facts.fact import Fact
from features.facts.fills import FILLS
from features.facts.findings import FINDINGS
from features.facts.flows import FLOWS, LISTED_FLOWS
from features.facts.identifiers import HOLDINGS
from features.facts.link_settings import LINKS_FILE
from features.facts.links import LINKS
from features.facts.market_spells import MARKET_DAYS, MARKET_HOURS
from features.facts.messages import KEY_USES, MESSAGES
from features.facts.orders import ORDERS, PULLS
from features.facts.standing import (
    ACCOUNTS,
    BANNED_IDENTIFIERS,
    LEGAL_ORDERS,
    REFERRALS,
    UNVERIFIED_OPENS,
    VERIFICATIONS,
)
from features.facts.washing import WASHING
from features.patterns import episode
from features.patterns.account_groups import ACCOUNT_CLUSTER, CONTROLLED_GROUP
from features.patterns.bursts import DORMANCY_BURST, NEW_ACCOUNT_BURST
from features.patterns.episode import EPISODES_SCHEMA, Episode, Pattern, as_table
from features.patterns.excessive_cancels import EXCESSIVE_CANCELS
from features.patterns.fan import FAN_IN, FAN_OUT
from features.patterns.layering import LAYERING
from features.patterns.linked_trades import LINKED_TRADES
from features.patterns.lockstep import LOCKSTEP
from features.patterns.machine_speed import MACHINE_SPEED
from features.patterns.pass_through import PASS_THROUGH
from features.patterns.position_limit_ring import POSITION_LIMIT_RING
from features.patterns.quote_stuffing import QUOTE_STUFFING
from features.patterns.round_trips import ROUND_TRIPS
from features.patterns.spoofing import SPOOFING
from features.patterns.structuring import STRUCTURING
from features.patterns.takeover import TAKEOVER
from features.patterns.unlinked_ring import UNLINKED_RING
from features.patterns.wash import WASH_PAIR
from features.patterns.wash_ring import WASH_RING

LINK_STEPS: tuple[Fact | Pattern, ...] = (
    HOLDINGS,
    LINKS,
    ASSOCIATIONS,
    ACCOUNT_CLUSTER,
    CONTROLLED_GROUP,
    CONTROLLED,
    PULLS,
)
PATTERNS: tuple[Pattern, ...] = (
    SPOOFING,
    LAYERING,
    QUOTE_STUFFING,
    EXCESSIVE_CANCELS,
    MACHINE_SPEED,
    WASH_PAIR,
    WASH_RING,
    LINKED_TRADES,
    ROUND_TRIPS,
    POSITION_LIMIT_RING,
    UNLINKED_RING,
    LOCKSTEP,
    STRUCTURING,
    PASS_THROUGH,
    FAN_IN,
    FAN_OUT,
    NEW_ACCOUNT_BURST,
    DORMANCY_BURST,
    TAKEOVER,
)
FACTS: tuple[Fact, ...] = (
    ACCOUNTS,
    VERIFICATIONS,
    UNVERIFIED_OPENS,
    BANNED_IDENTIFIERS,
    LEGAL_ORDERS,
    REFERRALS,
    SESSIONS,
    LISTED_SESSIONS,
    LISTED_ORDERS,
    SECURITY,
    FLOWS,
    LISTED_FLOWS,
    STAKING,
    PARTICIPATIONS,
    LINKED_REWARDS,
    BALANCES,
    FINDINGS,
    WASHING,
    MARKET_HOURS,
    MARKET_DAYS,
    FILLS,
    ORDERS,
    MESSAGES,
    KEY_USES,
)
STEPS: tuple[Fact | Pattern, ...] = (*LINK_STEPS, *PATTERNS, *FACTS)
EVERY_FACT = tuple(step for step in STEPS if isinstance(step, Fact))
EVERY_PATTERN = tuple(step for step in STEPS if isinstance(step, Pattern))
STATES_KEPT = 3

Progress = Callable[[str, float], None]


@cache
def definitions() -> str:
    """Everything that decides facts and episodes, as text for fingerprints."""
    facts = [f"{fact.name}: {compiled(fact.rows)}" for fact in EVERY_FACT]
    presented = getsource(engines) + getsource(episode) + getsource(link_settings) + LINKS_FILE.read_text()
    return "\n".join([*facts, *(pattern.definition for pattern in EVERY_PATTERN), presented])


def episode_measures() -> dict[str, Mapping[str, type]]:
    """What the episodes of each pattern measure, by pattern and measure: policy rules may read these."""
    return {pattern.name: pattern.measures for pattern in EVERY_PATTERN}


def derive(engine: DuckDBEngine, progress: Progress) -> None:
    """Gives the engine `fact_<name>` for every fact, `episodes`, and `ceilings` with what was left out.

    Where the activity has a folder for what is derived, a state is derived once and then read.
    """
    folder = engine.activity.derived
    kept = folder / hashlib.sha256(definitions().encode()).hexdigest()[:16] if folder else None
    names = ["account_numbers", *(fact.table_name for fact in EVERY_FACT), "episodes", "ceilings"]
    if kept and kept.is_dir():
        for name in names:
            engine.view(name, f"SELECT * FROM read_parquet({quote(str(kept / f'{name}.parquet'))})")
        return
    _derive(engine, progress)
    if kept:
        _keep(engine, names, kept)


def _derive(engine: DuckDBEngine, progress: Progress) -> None:
    episodes: list[Episode] = []
    _register(engine, "episodes", EPISODES_SCHEMA.empty_table())
    for done, step in enumerate(STEPS):
        if step is FACTS[0]:
            engine.forget_temporary()
        if isinstance(step, Fact):
            progress(f"deriving {step.name}", done / len(STEPS))
            engine.create_fact(step.table_name, step.rows)
            continue
        progress(f"looking for {step.name.replace('_', ' ')}", done / len(STEPS))
        found = list(step.detect(engine, step.settings))
        if found:
            episodes += found
            _register(engine, "episodes", as_table(episodes))
    _register(engine, "ceilings", ceilings_table(engine.ceilings))


def _register(engine: DuckDBEngine, name: str, rows: pa.Table) -> None:
    engine.register(f"_{name}", rows)
    engine.create(name, f"SELECT * FROM {identifier('_' + name)}")


def _keep(engine: DuckDBEngine, names: list[str], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    for name in names:
        rows = engine.run(f"FROM {identifier(name)}")
        pq.write_table(rows, partial / f"{name}.parquet", row_group_size=100_000)
    try:
        partial.replace(folder)
    except OSError:  # another process kept the same state meanwhile
        shutil.rmtree(partial, ignore_errors=True)
    states = sorted(folder.parent.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for older in states[STATES_KEPT:]:
        shutil.rmtree(older, ignore_errors=True)
