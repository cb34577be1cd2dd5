"""The fields a rule may read, by subject: features, scores, the request, facts bound at decision time, episodes."""

from collections.abc import Iterable, Mapping

from serving.policy.rules import ACCOUNT
from serving.policy.terms import TYPOLOGIES

PROBABILITY_PREFIX = "violation_probability_"
SCORES: Mapping[str, type] = dict.fromkeys(
    ("anomaly_score", "anomaly_p_value", "m_score", *(PROBABILITY_PREFIX + typology for typology in TYPOLOGIES)), float
)
REQUEST: Mapping[str, type] = {
    "request_type": str,
    "request_amount_usd": float,
    "request_asset": str,
    "request_symbol": str,
    "request_product": str,
    "request_side": str,
    "request_effect": str,
    "request_device_is_new": bool,
    "request_address_on_watchlist": bool,
    "request_address_list": str,
}
FACTS: Mapping[str, type] = {
    "kyc_level": float,
    "hours_since_credential_change": float,
    "hours_since_address_added": float,
    "legal_order_in_force": bool,
    "legal_order_scope": str,
    "account_on_watchlist": bool,
    "account_list": str,
    "account_resembles_listed": bool,
    "withdrawal_hold_in_force": bool,
    "deposit_hold_in_force": bool,
    "restriction_in_force": bool,
    "trading_suspension_in_force": bool,
    "close_only_in_force": bool,
    "observation_in_force": bool,
    "ip_country_listed": str,
}
RECORD_FIELDS: frozenset[str] = frozenset(
    {*FACTS, "request_device_is_new", "request_address_on_watchlist", "request_address_list"} - {"kyc_level"}
)
"""The fields that the account record decides; the level of verification comes with the vector."""


def rule_fields(
    features: Iterable[str], episodes: Mapping[str, Mapping[str, type]] | None = None
) -> dict[str, Mapping[str, type]]:
    """The fields of every subject: `account` with these features of the catalogue, and the measures of each pattern.

    >>> fields = rule_fields(["cancel_ratio_7d"], {"ring": {"sync_ms": float}})
    >>> "cancel_ratio_7d" in fields["account"], fields["ring"]
    (True, {'sync_ms': <class 'float'>})
    """
    numbers: dict[str, type] = dict.fromkeys(features, float)
    return {ACCOUNT: {**numbers, **SCORES, **REQUEST, **FACTS}, **(episodes or {})}
