"""Network: which other accounts are linked with this one, how strongly, and what its group was rewarded with."""

from ibis import _

from features.catalogue import Feature
from features.facts.account_status import REFERRALS
from features.facts.associations import ASSOCIATIONS, CONTROLLED
from features.facts.engagement import LINKED_REWARDS
from features.facts.findings import FINDINGS, milli
from features.facts.links import LINKS
from features.kernel.units import MICRO
from features.vocabulary.aggregates import (
    LIFETIME,
    Aggregate,
    count,
    days,
    distinct,
    largest,
    latest,
    scaled,
    total,
    usd,
)

LOCKSTEP = _.pattern == "lockstep"
CLUSTER = _.pattern == "account_cluster"
GROUP = _.pattern == "controlled_group"
OTHERS: Aggregate = distinct(_.other_id)


def _shared(name: str, kinds: tuple[str, ...], says: str) -> Feature:
    return Feature(name, LINKS, OTHERS, LIFETIME, "count", says, "5.4", where=_.kind.isin(kinds))


NETWORK = (
    Feature(
        "linked_accounts_n",
        ASSOCIATIONS,
        OTHERS,
        LIFETIME,
        "count",
        "other accounts linked with this one by what they share",
        "5.4",
    ),
    Feature(
        "strongly_linked_accounts_n",
        ASSOCIATIONS,
        OTHERS,
        LIFETIME,
        "count",
        "other accounts linked by more than an IP address or a referral",
        "5.4",
        where=~_.weak,
    ),
    Feature(
        "link_probability_max",
        ASSOCIATIONS,
        scaled(largest(_.probability_micro), MICRO),
        LIFETIME,
        "share",
        "probability that the most strongly linked account has the same controller",
        "5.4",
    ),
    Feature(
        "controlled_accounts_n",
        CONTROLLED,
        OTHERS,
        LIFETIME,
        "count",
        "other accounts apparently under the same control",
        "5.4",
    ),
    _shared("device_shared_with_n", ("device",), "other accounts on the same device"),
    _shared("ip_shared_with_n", ("ip",), "other accounts on a common IP address that few use"),
    _shared(
        "withdrawal_address_shared_with_n", ("withdrawal_address",), "other accounts withdrawing to the same address"
    ),
    _shared("deposit_source_shared_with_n", ("deposit_source",), "other accounts paid from the same wallet"),
    _shared("transfer_loops_n", ("transfer_loop",), "other accounts with internal transfers in both directions"),
    _shared(
        "identity_shared_with_n",
        ("document", "face", "person"),
        "other accounts verified with the same document, face or person",
    ),
    _shared("linked_by_owner_n", ("owner",), "other accounts of the same declared owner"),
    Feature(
        "cluster_accounts_n",
        FINDINGS,
        largest(_.members),
        LIFETIME,
        "count",
        "accounts in its community of linked accounts",
        "5.4",
        where=CLUSTER,
    ),
    Feature(
        "controlled_group_n",
        FINDINGS,
        largest(_.members),
        LIFETIME,
        "count",
        "accounts in its group under one control",
        "5.4",
        where=GROUP,
    ),
    Feature(
        "group_promo_usd_90d",
        FINDINGS,
        scaled(latest(milli("promo_usd")), 1_000),
        LIFETIME,
        "usd",
        "of rewards went to its group under one control in 90 days",
        "5.4",
        where=GROUP,
    ),
    Feature(
        "lockstep_accounts_n_14d",
        FINDINGS,
        largest(_.members),
        days(14),
        "count",
        "accounts that trade in the same seconds, itself among them, in 14 days",
        "5.4",
        where=LOCKSTEP,
    ),
    Feature(
        "lockstep_support_14d",
        FINDINGS,
        scaled(largest(milli("support")), 1_000),
        days(14),
        "count",
        "actions in the same second as another account's, in 14 days",
        "5.4",
        where=LOCKSTEP,
    ),
    Feature(
        "lockstep_jaccard_14d",
        FINDINGS,
        scaled(largest(milli("jaccard")), 1_000),
        days(14),
        "share",
        "of the actions of the closest two of its group in a symbol were in the same second, in 14 days",
        "5.4",
        where=LOCKSTEP,
    ),
    Feature(
        "lockstep_correlation_14d",
        FINDINGS,
        scaled(largest(milli("correlation")), 1_000),
        days(14),
        "ratio",
        "correlation of directions of the closest two of its group in 14 days",
        "5.4",
        where=LOCKSTEP,
    ),
    Feature(
        "unlinked_rings_n_7d",
        FINDINGS,
        count(),
        days(7),
        "count",
        "bursts of opening positions over the limit together with strangers in 7 days",
        "5.4",
        where=_.pattern == "unlinked_ring",
    ),
    Feature(
        "linked_promo_usd_90d",
        LINKED_REWARDS,
        usd(total(_.reward)),
        days(90),
        "usd",
        "of promotion rewards in 90 days went to other accounts under the same control",
        "5.4",
    ),
    Feature(
        "referrals_n",
        REFERRALS,
        count(),
        LIFETIME,
        "count",
        "accounts referred so far",
        "M",
        pillar="referral",
        direction=1,
    ),
    Feature("referrals_n_7d", REFERRALS, count(), days(7), "count", "accounts referred in 7 days", "5.4"),
)
