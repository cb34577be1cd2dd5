"""Engagement: staking, participation in promotions, and holdings."""

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


def _participations() -> ir.Table:
    return activity_table("participations").select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.event_id,
        campaign_id=_.campaign_id,
        joined=_.action == "joined",
        completed=_.action == "completed",
        reward=micro_usd(_.reward_usd),
    )


def _balances() -> ir.Table:
    return activity_table("balances").select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.account_id + ":" + _.asset + ":" + _.ts.cast("string"),
        asset=_.asset,
        amount=micro_usd(_.amount_usd),
    )


STAKING = Fact("staking", "a stake or an unstake", _staking(), "staking")
PARTICIPATIONS = Fact("participations", "a step in a promotion", _participations(), "participations")
BALANCES = Fact("balances", "a holding of one asset", _balances(), "balances")
