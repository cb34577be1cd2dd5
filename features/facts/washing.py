"""Washing: pairs and rings of accounts as the daily runs found them, in both directions of every two members."""

import ibis.expr.types as ir
from ibis import _

from features.facts.fact import Fact
from features.facts.findings import EPISODES, milli


def _traded_pairs(pattern: str) -> ir.Table:
    """Every two accounts of the pattern's episodes, both ways, with the stretch of a market's trades they cover."""
    members = EPISODES.filter(_.pattern == pattern).mutate(account_a=_.accounts.unnest())
    both = members.mutate(account_b=_.accounts.unnest()).filter(_.account_a != _.account_b)
    return both.select(
        account_a=_.account_a,
        account_b=_.account_b,
        symbol=_.symbol,
        perp=_.numbers["perp"] == 1,
        started_at=_.started_at,
        ended_at=_.ended_at,
        known_at=_.known_at,
        superseded_at=_.superseded_at,
        episode_id=_.episode_id,
        numbers=_.numbers,
    )


TRADED_PAIRS = _traded_pairs("wash_pair")
# In a thin market, or with a market maker among them, a ring is a person's case: it takes no credit away by itself.
TRADED_RINGS = _traded_pairs("wash_ring").filter((_.numbers["thin_market"] == 0) & (_.numbers["market_makers"] == 0))

WASHING = Fact(
    "washing",
    "a counterparty met far more often than chance, or met mostly, in the newest daily run",
    TRADED_PAIRS.select(
        account_id=_.account_a,
        ts=_.known_at - 1,
        known_from=_.known_at,
        known_until=_.superseded_at,
        row_id=_.episode_id,
        other_id=_.account_b,
        symbol=_.symbol,
        lift_milli=milli("lift"),
    ),
    "episodes",
    patterns=("wash_pair",),
)
