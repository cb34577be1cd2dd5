"""Wash trading: volume with oneself, with linked accounts, in pairs and rings, or turned around at once.

See docs/methods.md#d03-wash-trading.
"""

from ibis import _

from features.catalogue import Feature
from features.facts.fills import FILLS
from features.facts.findings import FINDINGS, milli
from features.facts.market_activity import MARKET_DAYS, MARKET_HOURS
from features.facts.washing import WASHING
from features.vocabulary.aggregates import (
    LIFETIME,
    by_then,
    days,
    distinct,
    largest,
    peak,
    ratio,
    scaled,
    share,
    total,
    usd,
)

LINKED = _.own_trade | by_then("linked")
MARKET = _.product + ":" + _.symbol

WASH_TRADING = (
    Feature(
        "self_trades_1d",
        FILLS,
        peak(distinct(_.row_id, where=LINKED), per=MARKET),
        days(1),
        "count",
        "trades of one market in 1 day with itself or an account under the same control",
        "5.3",
    ),
    Feature(
        "linked_counterparty_share_7d",
        FILLS,
        share(LINKED, by=_.notional),
        days(7),
        "share",
        "of the volume of 7 days with itself or an account under the same control",
        "5.3",
    ),
    Feature(
        "linked_counterparty_usd_7d",
        FILLS,
        usd(total(_.notional)),
        days(7),
        "usd",
        "traded in 7 days with itself or an account under the same control",
        "5.3",
        where=LINKED & ~(_.own_trade & _.maker),
    ),
    Feature(
        "wash_volume_usd_7d",
        FILLS,
        usd(total(_.notional)),
        days(7),
        "usd",
        "traded in 7 days inside pairs that meet far more often than chance, or mostly each other",
        "5.3",
        where=by_then("paired"),
    ),
    Feature(
        "wash_volume_share_7d",
        FILLS,
        share(by_then("paired"), by=_.notional),
        days(7),
        "share",
        "of the volume of 7 days inside pairs that meet far more often than chance, or mostly each other",
        "5.3",
    ),
    Feature(
        "ring_volume_share_7d",
        FILLS,
        share(by_then("ring"), by=_.notional),
        days(7),
        "share",
        "of the volume of 7 days inside rings whose members all return to where they were",
        "5.3",
    ),
    Feature(
        "wash_pairs_n",
        WASHING,
        distinct(_.other_id),
        LIFETIME,
        "count",
        "counterparties met far more often than chance, or met mostly, in the newest daily run",
        "5.3",
    ),
    Feature(
        "pair_lift_max",
        WASHING,
        scaled(largest(_.lift_milli), 1_000),
        LIFETIME,
        "ratio",
        "times as many trades as by chance with one counterparty in the newest daily run",
        "5.3",
    ),
    Feature(
        "wash_rings_n",
        FINDINGS,
        distinct(_.symbol),
        LIFETIME,
        "count",
        "markets in which the newest daily run sees it in a ring that returns to where it was",
        "5.3",
        where=_.pattern == "wash_ring",
    ),
    Feature(
        "round_trips_max_7d",
        FINDINGS,
        scaled(largest(milli("round_trips")), 1_000),
        days(7),
        "count",
        "trades that one counterparty reversed within minutes, on the worst day and market of 7 days",
        "5.3",
        where=_.pattern == "round_trips",
    ),
    Feature(
        "hourly_roundtrip_share_7d",
        MARKET_HOURS,
        ratio(total(_.volume - _.net), total(_.volume)),
        days(7),
        "share",
        "of the volume of 7 days turned around in the same market within the hour",
        "5.3",
    ),
    Feature(
        "daily_net_to_gross_7d",
        MARKET_DAYS,
        ratio(total(_.net), total(_.volume)),
        days(7),
        "share",
        "of the volume of 7 days left as a position at the end of its day",
        "5.3",
    ),
    Feature(
        "market_volume_share_max_7d",
        MARKET_DAYS,
        scaled(largest(_.market_share_micro), 1_000_000),
        days(7),
        "share",
        "of a market's volume on one day of 7, at most",
        "5.3",
    ),
)
