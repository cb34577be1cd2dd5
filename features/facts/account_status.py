"""Standing: who the account is, how far it is verified, what it did unverified, and what authorities ordered."""

from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.fact import NEVER_ENDS, Fact, activity_table, micro_usd
from features.kernel.thresholds import read_thresholds

NUMBERS = read_thresholds(Path(__file__).with_suffix(".yaml")).values
ALWAYS_VALID = 2**62


def _accounts() -> ir.Table:
    return activity_table("accounts").select(
        account_id=_.account_id,
        ts=_.created_at,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.account_id + ":" + _.kind + ":" + _.market_maker.cast("string"),
        market_maker=_.market_maker.cast("int64"),
        institution=_.kind.isin(("institution", "sub")).cast("int64"),
        declared_business=_.kind.isin(("institution", "sub", "project")).cast("int64"),
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


def _unverified_opens() -> ir.Table:
    """Orders opening futures positions without sufficient verification (clause 4.2), as far as is known.

    An approval from before the order that becomes known later takes the order's row away, or makes its gap smaller.
    """
    required = int(NUMBERS["futures_level"])
    events = activity_table("order_events")
    opens = events.filter(
        (events.event == "new")
        & (events["product"] == "perp")
        & (events.effect == "open")
        & (events.source != "liquidation")
    ).select("order_id", "account_id", "ts", "known_from", "symbol", notional=micro_usd(_.price * _.quantity))
    approvals = activity_table("verifications").filter(_.status == "approved")
    approvals = approvals.select(holder=_.account_id, level=_.level, approved_at=_.ts, approved_known=_.known_from)
    doubtful = _without_verified(opens, approvals.filter(_.level >= required))
    steps = doubtful.left_join(
        approvals, [doubtful.account_id == approvals.holder, approvals.approved_at <= doubtful.ts]
    )
    reached = {
        f"reached_{level}": steps.approved_known.min(where=steps.level >= level).fill_null(ALWAYS_VALID)
        for level in range(1, required + 1)
    }
    rows = steps.group_by(list(opens.columns)).agg(reached_0=steps.known_from.min(), **reached)
    return (
        ibis.union(
            *(
                rows.select(
                    account_id=_.account_id,
                    ts=_.ts,
                    known_from=ibis.greatest(_.known_from, rows[f"reached_{level}"]),
                    known_until=rows[f"reached_{level + 1}"],
                    row_id=_.order_id,
                    symbol=_.symbol,
                    notional=_.notional,
                    gap=ibis.literal(required - level, type="int64"),
                )
                for level in range(required)
            )
        )
        .filter(_.known_from < _.known_until)
        .mutate(known_until=_.known_until.nullif(ALWAYS_VALID))
    )


def _without_verified(opens: ir.Table, approvals: ir.Table) -> ir.Table:
    """The opens of accounts that were not sufficiently verified, and known to be, before all of them: usually few."""
    firsts = opens.group_by("account_id").agg(first_ts=opens.ts.min(), first_known=opens.known_from.min())
    verified = firsts.inner_join(
        approvals,
        [
            firsts.account_id == approvals.holder,
            approvals.approved_at <= firsts.first_ts,
            approvals.approved_known <= firsts.first_known,
        ],
    )
    return opens.anti_join(verified.select("account_id"), "account_id")


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


def _banned_identifiers() -> ir.Table:
    """Devices and wallets of a banned person that the account used while the ban stood (clause 4.3).

    A wallet counts by a withdrawal to it, and only a self-hosted one: addresses of exchanges pass from hand to hand.
    """
    sessions = activity_table("sessions").select("account_id", "ts", "known_from", value=_.device_id)
    withdrawals = activity_table("transfers").filter(
        (_.direction == "withdrawal") & (_.counterparty_type == "self_hosted")
    )
    wallets = withdrawals.select("account_id", "ts", "known_from", value=_.address)
    used = sessions.mutate(kind=ibis.literal("device")).union(wallets.mutate(kind=ibis.literal("address")))
    bans = activity_table("watchlist").filter((_.list == "banned_identity") & _.kind.isin(("device", "address")))
    joined = used.inner_join(
        bans,
        [
            used.kind == bans.kind,
            used.value == bans.value,
            used.ts >= bans.effective_from,
            bans.effective_to.isnull() | (used.ts < bans.effective_to),
        ],
    )
    return joined.select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=ibis.greatest(_.known_from, _.known_from_right),
        known_until=NEVER_ENDS,
        row_id=_.value,
        kind=_.kind,
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
UNVERIFIED_OPENS = Fact(
    "unverified_opens",
    "a futures position opened without the verification it takes",
    _unverified_opens(),
    "order_events",
)
BANNED_IDENTIFIERS = Fact(
    "banned_identifiers", "use of a banned person's identifier", _banned_identifiers(), "watchlist"
)
REFERRALS = Fact("referrals", "an account that was referred", _referrals(), "accounts")
