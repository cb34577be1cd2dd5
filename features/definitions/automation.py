"""Automation: orders through web or app that no hand placed, and keys that nobody approved.

Only the channels made for people are looked at, never the platform's engines: automation as such is no violation.
"""

from ibis import _

from features.catalogue import Feature
from features.facts.findings import FINDINGS
from features.facts.messages import KEY_USES
from features.facts.orders import ORDERS
from features.kernel.moments import DAY_US, HOUR_US, SECOND_US
from features.vocabulary.aggregates import (
    by_then,
    coefficient_of_variation,
    concentration,
    count,
    days,
    entropy,
    in_hours,
    in_seconds,
    largest,
    peak,
    quantile,
    share,
)
from features.vocabulary.combining import at_least, daily_minimum, modal_share

MIN_ORDERS = 30  # orders below which a distribution says nothing (docs/methods.md#d02-unauthorised-automation)
BINS = 20
EVENLY_BITS = 4.32  # log2 of 20 bins: what is said of too few orders
IN_PERSON = _.by_hand
PAUSED = _.by_hand & (_.gap_us <= HOUR_US).fill_null(False)  # longer pauses are sleep and absence, the tail to trim
PAUSE_BIN = (_.gap_us // 1_000 + 1).log2().floor().clip(upper=BINS - 1)
PAUSE_BUCKET = _.gap_us // 40_000  # 20 ms to either side of its middle
DAY_BACK = (_.as_of - 1 - _.ts) // DAY_US
HOUR_OF_DAY = (_.ts // HOUR_US) % 24
APPROVED = by_then("approved") & _.approved_in_time
UNAPPROVED = ~APPROVED | (by_then("revoked") & _.revoked_in_time)

AUTOMATION = (
    Feature(
        "orders_per_second_max_1d",
        ORDERS,
        peak(count(), per=_.ts // SECOND_US),
        days(1),
        "count",
        "orders in the busiest second of 1 day",
        "5.2",
    ),
    Feature(
        "ui_orders_per_second_max_1d",
        ORDERS,
        peak(count(), per=_.ts // SECOND_US),
        days(1),
        "count",
        "orders through web or app in the busiest second of 1 day",
        "5.2",
        where=IN_PERSON,
    ),
    Feature(
        "machine_speed_episodes_7d",
        FINDINGS,
        count(),
        days(7),
        "count",
        "stretches of orders through web or app at a machine's speed in 7 days",
        "5.2",
        where=_.pattern == "machine_speed",
    ),
    Feature(
        "ui_orders_n_7d",
        ORDERS,
        count(),
        days(7),
        "count",
        "orders placed through web or app in 7 days",
        "5.2",
        where=IN_PERSON,
    ),
    Feature(
        "ui_less_share_7d",
        ORDERS,
        share(_.without_ui),
        days(7),
        "share",
        "of the orders through web or app in 7 days came without a click or key before them",
        "5.2",
        where=IN_PERSON,
    ),
    Feature(
        "ui_pause_spread_7d",
        ORDERS,
        at_least(MIN_ORDERS, coefficient_of_variation(_.gap_us), fill=1.0),
        days(7),
        "ratio",
        "is the coefficient of variation of pauses up to an hour between orders by hand in 7 days",
        "5.2",
        where=PAUSED,
    ),
    Feature(
        "ui_pause_entropy_7d",
        ORDERS,
        at_least(MIN_ORDERS, entropy(count(), per=PAUSE_BIN), fill=EVENLY_BITS),
        days(7),
        "bits",
        "of entropy over 20 lengths of pause between orders by hand in 7 days (evenly: 4.32)",
        "5.2",
        where=_.by_hand & _.gap_us.notnull(),
    ),
    Feature(
        "ui_pause_modal_share_7d",
        ORDERS,
        at_least(MIN_ORDERS, modal_share(count(), per=PAUSE_BUCKET), fill=0.0),
        days(7),
        "share",
        "of the pauses between orders by hand in 7 days were equally long to 20 ms",
        "5.2",
        where=_.by_hand & _.gap_us.notnull(),
    ),
    Feature(
        "ui_quantity_modal_share_7d",
        ORDERS,
        at_least(MIN_ORDERS, modal_share(count(), per=_.quantity), fill=0.0),
        days(7),
        "share",
        "of the orders by hand in 7 days had the same quantity",
        "5.2",
        where=IN_PERSON,
    ),
    Feature(
        "order_hour_entropy_7d",
        ORDERS,
        entropy(count(), per=HOUR_OF_DAY),
        days(7),
        "bits",
        "of entropy over the hours of the day of orders by hand in 7 days (24 hours evenly: 4.58)",
        "5.2",
        where=IN_PERSON,
    ),
    Feature(
        "ui_quiet_gap_hours_7d",
        ORDERS,
        in_hours(daily_minimum(largest(_.gap_us, fill=24.0), per=DAY_BACK, of=7)),
        days(7),
        "hours",
        "is the longest pause between orders by hand on the most restless of 7 days, if there were orders on each",
        "5.2",
        where=IN_PERSON & _.gap_us.notnull(),
    ),
    Feature(
        "order_gap_median_s_7d",
        ORDERS,
        in_seconds(quantile(_.gap_us, 0.5)),
        days(7),
        "seconds",
        "is the median pause between orders that came the same way in 7 days",
        "5.2",
        where=_.gap_us.notnull(),
    ),
    Feature(
        "order_size_concentration_7d",
        ORDERS,
        concentration(count(), per=_.notional),
        days(7),
        "ratio",
        "concentration of order sizes (1 = always the same) in 7 days",
        "5.2",
    ),
    Feature(
        "unapproved_key_orders_n_7d",
        KEY_USES,
        count(UNAPPROVED),
        days(7),
        "count",
        "orders in 7 days with an API key that was not approved, or no longer",
        "5.2",
    ),
)
