"""Laundering: structuring, money passing through, fans, bursts and transfers with listed addresses (family funds)."""

from ibis import _

from features.catalogue import Feature
from features.facts.findings import FINDINGS, milli
from features.facts.flows import FLOWS, LISTED_FLOWS
from features.kernel.moments import DAY_US
from features.vocabulary.aggregates import LIFETIME, count, days, groups, largest, ratio, scaled, share, total, usd

NOT_INVENTORY = milli("between_exchanges") == 0
PASSAGE = (_.pattern == "pass_through") & NOT_INVENTORY & (milli("own_name") == 0)

LAUNDERING = (
    Feature(
        "structuring_bursts_7d",
        FINDINGS,
        count(),
        days(7),
        "count",
        "bursts of transfers just below a reporting threshold in 7 days, those with known exchanges aside",
        "4.4",
        where=(_.pattern == "structuring") & NOT_INVENTORY,
    ),
    Feature(
        "below_threshold_ratio_30d",
        FLOWS,
        ratio(count(_.just_below), count(_.just_above)),
        days(30),
        "ratio",
        "transfers just below a reporting threshold for each one just above in 30 days",
        "4.4",
    ),
    Feature(
        "pass_through_days_30d",
        FINDINGS,
        groups(_.ts // DAY_US),
        days(30),
        "days",
        "of 30 on which money passed straight through, neither between exchanges nor under the holder's own name",
        "4.4",
        where=PASSAGE,
    ),
    Feature(
        "pass_through_usd_max_30d",
        FINDINGS,
        scaled(largest(milli("in_usd")), 1_000),
        days(30),
        "usd",
        "passed straight through within a day at most in 30 days",
        "4.4",
        where=PASSAGE,
    ),
    Feature(
        "fan_ins_7d",
        FINDINGS,
        count(),
        days(7),
        "count",
        "times in 7 days small payments from many senders were sent on in one",
        "4.4",
        where=_.pattern == "fan_in",
    ),
    Feature(
        "fan_outs_7d",
        FINDINGS,
        count(),
        days(7),
        "count",
        "times in 7 days one receipt was spread over many recipients",
        "4.4",
        where=_.pattern == "fan_out",
    ),
    Feature(
        "new_account_burst",
        FINDINGS,
        count(),
        LIFETIME,
        "flag",
        "the first day's deposit was larger than nearly all days of peers, and gone or traded by the second",
        "4.4",
        where=_.pattern == "new_account_burst",
    ),
    Feature(
        "dormancy_bursts_30d",
        FINDINGS,
        count(),
        days(30),
        "count",
        "times in 30 days much money moved after a long silence",
        "4.4",
        where=_.pattern == "dormancy_burst",
    ),
    Feature(
        "young_address_share_30d",
        FLOWS,
        share(_.young_address, by=_.amount),
        days(30),
        "share",
        "of the money sent in 30 days to addresses the chain had first seen within a week",
        "4.4",
        where=~_.inward,
    ),
    Feature(
        "listed_address_usd_30d",
        LISTED_FLOWS,
        usd(total(_.amount)),
        days(30),
        "usd",
        "moved in 30 days with addresses on a sanctions or crime list, unasked dust aside",
        "4.4",
    ),
)
