"""Findings: what the patterns found, one row per account and episode, valid until a later run supersedes it."""

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.common.deferred import Deferred

from features.facts.fact import Fact, rounded

MAX_MEASURE = 1e12

EPISODES = ibis.table(
    {
        "episode_id": "string",
        "pattern": "string",
        "accounts": "array<string>",
        "symbol": "string",
        "started_at": "int64",
        "ended_at": "int64",
        "known_at": "int64",
        "superseded_at": "int64",
        "measures": "string",
        "numbers": "map<string, float64>",
        "evidence": "string",
        "links": "string",
    },
    name="episodes",
)


def _episodes() -> ir.Table:
    members = EPISODES.mutate(account_id=_.accounts.unnest(), members=_.accounts.length())
    return members.select(
        account_id=_.account_id,
        ts=_.ended_at,
        known_from=_.known_at,
        known_until=_.superseded_at,
        row_id=_.episode_id,
        pattern=_.pattern,
        symbol=_.symbol,
        members=_.members,
        numbers=_.numbers,
    )


def milli(measure: str) -> Deferred:
    """A measure of the episode in thousandths, an integer so that aggregates are exact; null where it has none."""
    value: Deferred = _.numbers[measure].pipe(rounded, 1_000, MAX_MEASURE)
    return value


FINDINGS = Fact("findings", "an episode an account took part in", _episodes(), "episodes", patterns=("*",))
