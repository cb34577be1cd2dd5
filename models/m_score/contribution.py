"""What an account was worth afterwards: the clean net contribution of a horizon, from the same facts as its features.

Of the terms of docs/methods.md#m-score-target the schema feeds fees, rebates, promotion costs and staking margin;
liquidity value and expected loss are left out, because depth is not tied to accounts and losses are not booked there.
"""

from collections.abc import Iterable
from datetime import timedelta

import pandas as pd
from ibis import _

from features.catalogue import Feature
from features.facts.engagement import PARTICIPATIONS
from features.facts.fills import FILLS
from features.facts.staking import STAKING
from features.pipeline import Features
from features.vocabulary.aggregates import LIFETIME, by_then, days, total, usd

STAKING_MARGIN_A_YEAR = 0.02  # house default: the spread earned on staked value
HORIZONS_DAYS = (90, 30, 14, 7)
CLEAN = ~by_then("wash") & ~by_then("linked") & ~_.own_trade


def horizon_of(first: pd.Timestamp, last: pd.Timestamp) -> timedelta:
    """The longest horizon that fits three times into the activity; the shortest where none does."""
    whole = last.ceil("D") - first.floor("D")
    fitting = [count for count in HORIZONS_DAYS if whole >= timedelta(days=3 * count)]
    return timedelta(days=fitting[0] if fitting else HORIZONS_DAYS[-1])


def _earned(horizon: timedelta) -> Iterable[Feature]:
    window = days(horizon.days)
    return (
        Feature("fees", FILLS, usd(total(_.fee)), window, "usd", "of clean fees less rebates", "M", where=CLEAN),
        Feature("promotions", PARTICIPATIONS, usd(total(_.reward)), window, "usd", "of promotion rewards", "M"),
        Feature("staked", STAKING, usd(total(_.signed)), LIFETIME, "usd", "staked at the end", "M"),
    )


def net_contribution(features: Features, spine: pd.DataFrame, horizon: timedelta) -> pd.DataFrame:
    """The clean net contribution in USD over the horizon after each spine moment.

    Returns:
        account_id, as_of and `cnc`, rows as in the spine; NaN where the horizon reaches beyond the activity.
    """
    _first, last = features.span()
    over = spine["as_of"] + horizon
    ended = over <= last.ceil("D")
    afterwards = spine.loc[ended, ["account_id"]].assign(as_of=over[ended])
    value = pd.Series(float("nan"), index=spine.index)
    if len(afterwards):
        earned = features.vectors(afterwards, _earned(horizon)).set_index(afterwards.index)
        margin = earned["staked"].clip(lower=0) * STAKING_MARGIN_A_YEAR * horizon.days / 365
        value[ended] = earned["fees"] - earned["promotions"] + margin
    return pd.DataFrame({"account_id": spine["account_id"], "as_of": spine["as_of"], "cnc": value})
