"""Engagement: promotions and holdings."""

from ibis import _

from features.catalogue import Feature
from features.facts.engagement import BALANCES, PARTICIPATIONS
from features.vocabulary.aggregates import (
    days,
    distinct,
    latest,
    ratio,
    sum_over,
    total,
    usd,
)

ENGAGEMENT = (
    Feature(
        "events_completed_90d",
        PARTICIPATIONS,
        distinct(_.campaign_id),
        days(90),
        "count",
        "promotions completed in 90 days",
        "M",
        where=_.completed,
        pillar="events",
        direction=1,
    ),
    Feature(
        "events_joined_90d",
        PARTICIPATIONS,
        distinct(_.campaign_id),
        days(90),
        "count",
        "promotions joined in 90 days",
        "5.4",
        where=_.joined,
    ),
    Feature(
        "promo_usd_30d", PARTICIPATIONS, usd(total(_.reward)), days(30), "usd", "of promotion rewards in 30 days", "5.4"
    ),
    Feature(
        "promo_usd_90d", PARTICIPATIONS, usd(total(_.reward)), days(90), "usd", "of promotion rewards in 90 days", "5.4"
    ),
    Feature(
        "promo_usd_per_event_90d",
        PARTICIPATIONS,
        ratio(usd(total(_.reward)), distinct(_.campaign_id)),
        days(90),
        "usd",
        "of reward for each promotion in 90 days",
        "5.4",
    ),
    Feature(
        "assets_usd",
        BALANCES,
        usd(sum_over(latest(_.amount), per=_.asset)),
        days(30),
        "usd",
        "held at the last snapshot",
        "M",
        pillar="tenure",
        direction=1,
    ),
)
