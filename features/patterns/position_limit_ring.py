"""Position-limit evasion: linked accounts that open one position together, together beyond the limit (5.4, 8).

See docs/methods.md#d26-position-limit-evasion.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from features.engines.duckdb import DuckDBEngine
from features.kernel.thresholds import Settings
from features.patterns.shared import joint_position
from features.patterns.shared.episode import Episode, Pattern
from features.patterns.shared.joint_position import EvaluatedGroup, EvaluatedWindow, judge, revised
from features.patterns.shared.synchronised_opens import Burst, Edges, bursts, prepare

MEASURES: Mapping[str, type] = {
    "linked_accounts": float,
    "shared_identifier": bool,
    **joint_position.MEASURES,
}


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """One episode a ring, judged when its window closes and again where rows arrived late."""
    prepare(engine, settings)
    yield from revised(partial(_looks, engine, settings), settings)


def _looks(
    engine: DuckDBEngine, settings: Settings, lateness: int, judged_before: int | None
) -> Iterator[EvaluatedWindow]:
    for burst in bursts(engine, settings, lateness, judged_before):
        episodes = []
        for accounts, edges in burst.components:
            judged = judge(engine, burst, accounts, settings, lateness)
            strength = _strength(judged, settings) if judged else 0
            if judged and strength:
                episodes.append((strength, _episode(burst, accounts, edges, judged)))
        yield EvaluatedWindow((burst.symbol, burst.side, burst.anchor), tuple(episodes))


def _strength(judged: EvaluatedGroup, settings: Settings) -> int:
    """3 where all conditions hold, 2 and 1 for the weaker conjunctions, 0 where there is no case.

    See docs/methods.md#position-limit-rule.
    """
    if judged.strict and judged.same_price and judged.evades and judged.dominates:
        return 3
    others = sum((judged.strict or judged.loose, judged.same_price, judged.dominates))
    if judged.evades and others >= settings["other_signs"]:
        return 2
    return int(judged.strict and (judged.same_price or judged.evades or judged.dominates))


def _episode(burst: Burst, accounts: frozenset[str], edges: Edges, judged: EvaluatedGroup) -> Episode:
    links = tuple((a, b, kind, value, weight) for (a, b), by in sorted(edges.items()) for kind, value, weight in by)
    return Episode(
        pattern="position_limit_ring",
        accounts=tuple(sorted(accounts)),
        symbol=burst.symbol,
        started_at=judged.first,
        ended_at=judged.last,
        known_at=judged.known_at,
        measures={
            "linked_accounts": len(accounts),
            "shared_identifier": True,
            **judged.measures,
            "conditions_met": 1 + int(judged.measures["conditions_met"] or 0),
        },
        evidence=joint_position.evidence(judged, burst.side),
        links=links,
    )


POSITION_LIMIT_RING = Pattern(
    "position_limit_ring",
    "D26",
    "8",
    "linked accounts opening one position together beyond the limit",
    Path(__file__).with_suffix(".yaml"),
    MEASURES,
    ("accounts", "instruments", "order_events", "position_limits", "sessions", "trades", "transfers", "fact_legs"),
    detect,
)
