"""Identifiers: which account held which address, device, document or wallet, from when it was known until it lapsed."""

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.fact import Fact, activity_table
from features.facts.link_settings import LINK_SETTINGS
from features.kernel.moments import DAY_US

ALWAYS_VALID = 2**62


def _rows(rows: ir.Table, kind: str, value: ir.StringValue, row_id: ir.StringValue, until: ir.Value) -> ir.Table:
    return rows.select(
        kind=ibis.literal(kind),
        value=value,
        account_id=rows.account_id,
        ts=rows.ts,
        known_from=rows.known_from,
        until=until,
        row_id=row_id,
    ).filter(_.value.notnull())


def _used() -> ir.Table:
    """Addresses and devices: held from a session until so many days after it."""
    sessions = activity_table("sessions")
    lapse = sessions.ts + LINK_SETTINGS["session_days"] * DAY_US
    until = ibis.greatest(lapse, sessions.known_from)
    return _rows(sessions, "ip", sessions.ip, sessions.session_id, until).union(
        _rows(sessions, "device", sessions.device_id, sessions.session_id, until)
    )


def _proven() -> ir.Table:
    """What verification showed: documents, faces, persons (name and birth together); held for good."""
    steps = activity_table("verifications")
    row_id = steps.account_id + ":" + steps.level.cast("string") + ":" + steps.status + ":" + steps.ts.cast("string")
    always_valid = ibis.literal(ALWAYS_VALID, type="int64")
    kinds = {
        "document": steps.document_hash,
        "face": steps.face_hash,
        "person": steps.name_hash + ":" + steps.birth_hash,
    }
    return ibis.union(*(_rows(steps, kind, value, row_id, always_valid) for kind, value in kinds.items()))


def _wallets() -> ir.Table:
    """Self-hosted addresses withdrawn to or paid in from; held for good."""
    transfers = activity_table("transfers").filter(_.counterparty_type == "self_hosted")
    always_valid = ibis.literal(ALWAYS_VALID, type="int64")
    out = transfers.filter(_.direction == "withdrawal")
    paid_in = transfers.filter(_.direction == "deposit")
    return _rows(out, "withdrawal_address", out.address, out.transfer_id, always_valid).union(
        _rows(paid_in, "deposit_source", paid_in.source_address, paid_in.transfer_id, always_valid)
    )


def _owners() -> ir.Table:
    """Declared owners: each version of an account holds until the next is known."""
    accounts = activity_table("accounts").mutate(ts=_.created_at)
    versions = ibis.window(group_by=accounts.account_id, order_by=accounts.known_from)
    accounts = accounts.mutate(next_known=accounts.known_from.lead().over(versions).fill_null(ALWAYS_VALID))
    return _rows(accounts, "owner", accounts.owner_id, accounts.account_id, accounts.next_known)


def _holdings() -> ir.Table:
    """Rows of one holder that follow each other before the last has lapsed are one holding.

    Rows are taken in the order in which they became known, so a late row never prolongs what had lapsed before it.
    """
    rows = ibis.union(_used(), _proven(), _wallets(), _owners())
    order = {"group_by": ["kind", "value", "account_id"], "order_by": ["known_from", "ts", "row_id"]}
    before = ibis.window(**order, preceding=(None, 1))
    until_now = ibis.window(**order, preceding=None, following=0)
    rows = rows.mutate(lapsed_at=rows.until.max().over(before))
    rows = rows.mutate(new=(rows.known_from > rows.lapsed_at).fill_null(False).cast("int64"))
    rows = rows.mutate(spell=rows.new.sum().over(until_now))
    first = ibis.struct({"known_from": rows.known_from, "ts": rows.ts, "row_id": rows.row_id})
    periods = rows.group_by(["kind", "value", "account_id", "spell"]).agg(
        known_from=rows.known_from.min(),
        ts=rows.ts.argmin(first),
        row_id=rows.row_id.argmin(first),
        until=rows.until.max(),
    )
    return periods.select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=_.until.nullif(ALWAYS_VALID),
        row_id=_.row_id,
        kind=_.kind,
        value=_.value,
    )


HOLDINGS = Fact("holdings", "an identifier held by the account", _holdings(), "sessions")
