"""Flows: money in and out of an account, with what was known about the account at that moment."""

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.access import CREDENTIAL_EVENTS
from features.facts.fact import MICRO, NEVER_ENDS, Fact, activity_table, micro_usd, previously_known

REPORTING_THRESHOLDS_USD = (1_000, 3_000, 10_000)  # record-keeping thresholds in law, methods D12
BELOW_SHARE = 0.8
CHANGE_WINDOW_US = 48 * 3600 * 1_000_000


def _just_below(amount: ir.IntegerValue) -> ir.BooleanValue:
    bands = [
        (amount >= int(limit * MICRO * BELOW_SHARE)) & (amount < limit * MICRO) for limit in REPORTING_THRESHOLDS_USD
    ]
    return ibis.or_(*bands)


def _flows() -> ir.Table:
    transfers = activity_table("transfers")
    amount = micro_usd(transfers.amount_usd)
    inward = transfers.direction.isin(("deposit", "internal_in"))
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
        just_below=_just_below(amount),
        name_mismatch=(~transfers.fiat_name_match).fill_null(False),
        tainted=(amount * transfers.taint_direct.fill_null(0.0)).round().cast("int64"),
        tainted_indirectly=(amount * transfers.taint_indirect.fill_null(0.0)).round().cast("int64"),
        risky=transfers.risk_category.notnull() & (transfers.risk_category != "none"),
    )
    rows = previously_known(rows)
    return rows.mutate(after_change=_after_credential_change(rows))


def _after_credential_change(rows: ir.Table) -> ir.BooleanValue:
    """Whether credentials had changed within 48 hours before, as known when the flow was known."""
    events = activity_table("security_events")
    changes = events.filter(_.event.isin(CREDENTIAL_EVENTS))
    earlier = rows.inner_join(
        changes,
        [
            rows.account_id == changes.account_id,
            changes.ts <= rows.ts,
            changes.ts > rows.ts - CHANGE_WINDOW_US,
            changes.known_from <= rows.known_from,
        ],
    )
    row = rows.account_id + ":" + rows.row_id + ":" + rows.inward.cast("string")
    changed = earlier.select(row=earlier.account_id + ":" + earlier.row_id + ":" + earlier.inward.cast("string"))
    return row.isin(changed.row)


FLOWS = Fact("flows", "a transfer in or out", _flows(), "transfers")
