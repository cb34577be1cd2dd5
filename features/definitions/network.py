"""Network: which other accounts share identifiers with this one, and how strongly."""

from ibis import _

from features.catalogue import Feature
from features.facts.engagement import LINKED_REWARDS
from features.facts.links import CONTROLLED, LINKS
from features.facts.standing import REFERRALS
from features.vocabulary import LIFETIME, count, days, distinct, groups_reaching, total, usd

NETWORK = (
    Feature(
        "linked_accounts_n",
        LINKS,
        groups_reaching(total(_.weight), per=_.other_id, least=1_000),
        LIFETIME,
        "count",
        "other accounts sharing identifiers with this one",
        "5.4",
    ),
    Feature(
        "controlled_accounts_n",
        CONTROLLED,
        distinct(_.other_id),
        LIFETIME,
        "count",
        "other accounts apparently under the same control",
        "5.4",
    ),
    Feature(
        "device_shared_with_n",
        LINKS,
        distinct(_.other_id),
        LIFETIME,
        "count",
        "other accounts on the same device",
        "5.4",
        where=_.kind == "device",
    ),
    Feature(
        "ip_shared_with_n",
        LINKS,
        distinct(_.other_id),
        LIFETIME,
        "count",
        "other accounts on a little-used common IP address",
        "5.4",
        where=_.kind == "ip",
    ),
    Feature(
        "withdrawal_address_shared_with_n",
        LINKS,
        distinct(_.other_id),
        LIFETIME,
        "count",
        "other accounts withdrawing to the same address",
        "5.4",
        where=_.kind == "withdrawal_address",
    ),
    Feature(
        "identity_shared_with_n",
        LINKS,
        distinct(_.other_id),
        LIFETIME,
        "count",
        "other accounts verified with the same document or face",
        "5.4",
        where=_.kind.isin(("document", "face")),
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
