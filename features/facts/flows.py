"""Flows: money in and out of an account, with what was known about the account at that moment."""

from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis import _

from features.activity.bounds import MAX_USD
from features.facts.access import CREDENTIAL_EVENTS
from features.facts.fact import (
    NEVER_ENDS,
    Fact,
    activity_table,
    first_known,
    micro_usd,
    previously_known,
    rounded,
)
from features.kernel.moments import HOUR_US
from features.kernel.thresholds import read_thresholds
from features.kernel.units import MICRO

NUMBERS = read_thresholds(Path(__file__).with_suffix(".yaml")).values


def _near(amount: ir.IntegerValue, lowest: float, highest: float) -> ir.BooleanValue:
    """Whether an amount lies in [lowest, highest) times one of the reporting thresholds."""
    bands = [
        (amount >= round(limit * MICRO * lowest)) & (amount < round(limit * MICRO * highest))
        for limit in NUMBERS["reporting_thresholds_usd"]
    ]
    return ibis.or_(*bands)


def _flows() -> ir.Table:
    transfers = activity_table("transfers")
    amount = micro_usd(transfers.amount_usd)
    inward = transfers.direction.isin(("deposit", "internal_in"))
    age = transfers.ts - transfers.address_first_seen_at
    rows = transfers.select(
        account_id=transfers.account_id,
        ts=transfers.ts,
        known_from=transfers.known_from,
        known_until=NEVER_ENDS,
        row_id=transfers.transfer_id,
        inward=inward,
        internal=transfers.direction.isin(("internal_in", "internal_out")),
        amount=amount,
        signed=amount * ibis.ifelse(inward, 1, -1),
        events=transfers.n_events.fill_null(1),
        other=ibis.coalesce(
            transfers.counterparty_account_id,
            ibis.ifelse(inward, transfers.source_address, transfers.address),
        ),
        counterparty_type=transfers.counterparty_type,
        asset=transfers.asset,
        just_below=_near(amount, NUMBERS["below_share"], 1),
        just_above=_near(amount, 1, NUMBERS["above_share"]),
        young_address=(~inward & (age < NUMBERS["young_address_h"] * HOUR_US)).fill_null(False),
        name_mismatch=(~transfers.fiat_name_match).fill_null(False),
        tainted=rounded(amount * transfers.taint_direct.fill_null(0.0), 1, MAX_USD * MICRO),
        tainted_indirectly=rounded(amount * transfers.taint_indirect.fill_null(0.0), 1, MAX_USD * MICRO),
        risky=transfers.risk_category.notnull() & (transfers.risk_category != "none"),
    )
    rows = previously_known(rows)
    rows = rows.mutate(after_change=_after_credential_change(rows))
    reports = activity_table("reports").filter(_.subject_table == "transfers")
    reported = first_known(reports, "subject_id", "reported")
    return rows.left_join(reported, rows.row_id == reported.subject_id).drop("subject_id")


def _after_credential_change(rows: ir.Table) -> ir.BooleanValue:
    """Whether credentials had changed shortly before, as known when the flow was known."""
    events = activity_table("security_events")
    changes = events.filter(_.event.isin(CREDENTIAL_EVENTS))
    earlier = rows.inner_join(
        changes,
        [
            rows.account_id == changes.account_id,
            changes.ts <= rows.ts,
            changes.ts > rows.ts - NUMBERS["after_change_h"] * HOUR_US,
            changes.known_from <= rows.known_from,
        ],
    )
    row = rows.account_id + ":" + rows.row_id + ":" + rows.inward.cast("string")
    changed = earlier.select(row=earlier.account_id + ":" + earlier.row_id + ":" + earlier.inward.cast("string"))
    return row.isin(changed.row)


def _listed_flows() -> ir.Table:
    """Transfers with an address that was on a sanctions or crime list when they happened.

    Dust that came unasked counts for nothing, and an exchange's wallet is the exchange's, not its customers'.
    """
    transfers = activity_table("transfers")
    lists = activity_table("watchlist").filter((_.kind == "address") & _.list.isin(("sanctions", "criminal")))
    inward = transfers.direction.isin(("deposit", "internal_in"))
    flows = transfers.mutate(
        inward=inward,
        moved=micro_usd(transfers.amount_usd),
        wallet=ibis.ifelse(inward, transfers.source_address, transfers.address),
    )
    asked_for = ~flows.inward | (flows.moved >= NUMBERS["dust_usd"] * MICRO)
    flows = flows.filter(asked_for & (flows.counterparty_type != "exchange"))
    joined = flows.inner_join(
        lists,
        [
            flows.wallet == lists.value,
            flows.ts >= lists.effective_from,
            lists.effective_to.isnull() | (flows.ts < lists.effective_to),
        ],
    )
    return joined.group_by(["account_id", "transfer_id", "inward", "ts"]).agg(
        known_from=ibis.greatest(joined.known_from, joined.known_from_right).min(),
        known_until=NEVER_ENDS,
        row_id=joined.transfer_id.min(),
        amount=joined.moved.max(),
        other=joined.wallet.min(),
    )


FLOWS = Fact("flows", "a transfer in or out", _flows(), "transfers")
LISTED_FLOWS = Fact("listed_flows", "a transfer with a listed address", _listed_flows(), "transfers")
