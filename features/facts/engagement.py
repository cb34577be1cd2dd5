"""Engagement: participation in promotions, and holdings."""

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.associations import CONTROL
from features.facts.fact import NEVER_ENDS, Fact, activity_table, micro_usd


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


def _linked_rewards() -> ir.Table:
    """Rewards of other accounts under the same control, once both the link and the reward were known."""
    rewards = activity_table("participations").filter(_.reward_usd > 0)
    pairs = CONTROL.select(
        holder=_.account_id, other_id=_.other_id, linked_from=_.known_from, linked_until=_.known_until
    )
    joined = rewards.inner_join(pairs, rewards.account_id == pairs.other_id)
    return joined.select(
        account_id=_.holder,
        ts=_.ts,
        known_from=ibis.greatest(_.known_from, _.linked_from),
        known_until=_.linked_until,
        row_id=_.event_id,
        other_id=_.other_id,
        reward=micro_usd(_.reward_usd),
    ).filter(_.known_until.isnull() | (_.known_from < _.known_until))


PARTICIPATIONS = Fact("participations", "a step in a promotion", _participations(), "participations")
BALANCES = Fact("balances", "a holding of one asset", _balances(), "balances")
LINKED_REWARDS = Fact(
    "linked_rewards", "a reward of an account under the same control", _linked_rewards(), "participations"
)
