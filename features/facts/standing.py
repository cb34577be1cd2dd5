"""Standing: who the account is, how far it is verified, and what authorities ordered."""

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.fact import NEVER_ENDS, Fact, activity_table


def _accounts() -> ir.Table:
    return activity_table("accounts").select(
        account_id=_.account_id,
        ts=_.created_at,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.account_id + ":" + _.kind + ":" + _.market_maker.cast("string"),
        market_maker=_.market_maker.cast("int64"),
        institution=_.kind.isin(("institution", "sub")).cast("int64"),
        referred=_.referrer_id.notnull().cast("int64"),
    )


def _verifications() -> ir.Table:
    """Steps of verification; a submission is settled by the first known answer to a submission of that level."""
    steps = activity_table("verifications")
    answers = steps.filter(_.status != "submitted").select(
        account_id=_.account_id, level=_.level, answered_at=_.ts, answered_known_at=_.known_from
    )
    rows = steps.select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.account_id + ":" + _.level.cast("string") + ":" + _.status + ":" + _.ts.cast("string"),
        level=_.level,
        approved=_.status == "approved",
        submitted=_.status == "submitted",
        rejected=_.status == "rejected",
        expired=_.status == "expired",
    )
    answered = rows.filter(_.submitted).inner_join(
        answers, [_.account_id == answers.account_id, _.level == answers.level, _.ts <= answers.answered_at]
    )
    first = ibis.struct({"known": answered.answered_known_at, "ts": answered.answered_at})
    settled = answered.group_by("row_id").agg(
        settled_at=answered.answered_at.argmin(first), settled_known_at=answered.answered_known_at.min()
    )
    settled = settled.rename(settled_row="row_id")
    return rows.left_join(settled, rows.row_id == settled.settled_row).drop("settled_row")


def _legal_orders() -> ir.Table:
    return activity_table("legal_orders").select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.legal_order_id,
        ends=_.expires_at,
        lifted=_.lifted_at,
    )


def _referrals() -> ir.Table:
    accounts = activity_table("accounts").filter(_.referrer_id.notnull())
    return accounts.select(
        account_id=_.referrer_id,
        ts=_.created_at,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.account_id,
    )


ACCOUNTS = Fact("accounts", "a version of the account's master data", _accounts(), "accounts")
VERIFICATIONS = Fact("verifications", "a step of identity verification", _verifications(), "verifications")
LEGAL_ORDERS = Fact("legal_orders", "an order of an authority", _legal_orders(), "legal_orders")
REFERRALS = Fact("referrals", "an account that was referred", _referrals(), "accounts")
