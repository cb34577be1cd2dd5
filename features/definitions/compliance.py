"""Compliance: who the account is, how far it is verified, and what authorities ordered."""

from ibis import _

from features.catalogue import Feature
from features.facts.access import SECURITY
from features.facts.standing import ACCOUNTS, LEGAL_ORDERS, VERIFICATIONS
from features.vocabulary import (
    LIFETIME,
    by_then,
    count,
    distinct,
    in_days,
    in_hours,
    largest,
    latest,
    since_first,
    since_last,
)

APPROVED = _.approved
IN_FORCE = (_.ends.isnull() | (_.ends > _.as_of)) & (_.lifted.isnull() | (_.lifted > _.as_of))

COMPLIANCE = (
    Feature(
        "kyc_level",
        VERIFICATIONS,
        largest(_.level),
        LIFETIME,
        "level",
        "of approved identity verification",
        "4.2",
        where=APPROVED,
        pillar="kyc",
        direction=1,
    ),
    Feature(
        "kyc_expired",
        VERIFICATIONS,
        latest(_.expired.cast("int64")),
        LIFETIME,
        "flag",
        "the newest verification has expired",
        "4.2",
    ),
    Feature(
        "kyc_pending_hours",
        VERIFICATIONS,
        in_hours(since_last()),
        LIFETIME,
        "hours",
        "since verification was submitted and not answered",
        "4.2",
        where=_.submitted & ~by_then("settled"),
    ),
    Feature(
        "kyc_rejections_n", VERIFICATIONS, count(_.rejected), LIFETIME, "count", "verifications rejected so far", "4.3"
    ),
    Feature(
        "second_factor",
        SECURITY,
        largest(_.second_factor.cast("int64")),
        LIFETIME,
        "flag",
        "a second factor was bound",
        "6",
        pillar="kyc",
        direction=1,
    ),
    Feature(
        "account_age_days",
        ACCOUNTS,
        in_days(since_first()),
        LIFETIME,
        "days",
        "since the account was opened",
        "M",
        pillar="tenure",
        direction=1,
    ),
    Feature(
        "market_maker",
        ACCOUNTS,
        latest(_.market_maker),
        LIFETIME,
        "flag",
        "a market-making agreement is on file",
        "5.3",
    ),
    Feature(
        "institution", ACCOUNTS, latest(_.institution), LIFETIME, "flag", "an institution or its sub-account", "4.2"
    ),
    Feature("referred", ACCOUNTS, latest(_.referred), LIFETIME, "flag", "the account was referred by another", "5.4"),
    Feature(
        "legal_orders_n",
        LEGAL_ORDERS,
        distinct(_.row_id),
        LIFETIME,
        "count",
        "legal orders in force",
        "4.4",
        where=IN_FORCE,
    ),
)
