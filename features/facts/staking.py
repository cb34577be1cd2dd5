"""Staking: value staked and unstaked."""

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.fact import NEVER_ENDS, Fact, activity_table, micro_usd


def _staking() -> ir.Table:
    staking = activity_table("staking")
    staked = staking.action == "stake"
    return staking.select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.event_id,
        staked=staked,
        signed=micro_usd(staking.amount_usd) * ibis.ifelse(staked, 1, -1),
    )


STAKING = Fact("staking", "a stake or an unstake", _staking(), "staking")
