"""Staking: what is staked, since when, and how often it is taken out again."""

from ibis import _

from features.catalogue import Feature
from features.facts.staking import STAKING
from features.vocabulary.aggregates import LIFETIME, count, days, in_days, since_first, total, usd

STAKES = (
    Feature(
        "staked_usd",
        STAKING,
        usd(total(_.signed)),
        LIFETIME,
        "usd",
        "staked now",
        "M",
        pillar="staking",
        direction=1,
    ),
    Feature(
        "stake_tenure_days",
        STAKING,
        in_days(since_first()),
        LIFETIME,
        "days",
        "since the first stake",
        "M",
        where=_.staked,
        pillar="staking",
        direction=1,
    ),
    Feature(
        "unstakes_n_90d",
        STAKING,
        count(),
        days(90),
        "count",
        "unstakes in 90 days",
        "M",
        where=~_.staked,
        pillar="staking",
        direction=-1,
    ),
)
