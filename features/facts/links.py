"""Links: pairs of accounts that share an identifier, from when both were known to hold it until it became hot.

Weights are the fixed ones of methods 3.1; a pair is under one control once its weights reach 3.
"""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.fact import NEVER_ENDS, Fact, activity_table

CONTROL_WEIGHT = 3_000


@dataclass(frozen=True, eq=False, slots=True)
class Identifier:
    """Something two accounts may share: `weight` in thousandths, and the most accounts it says anything about."""

    kind: str
    holders: ir.Table
    weight: int
    most_holders: int


FOREVER = 2**62


def _holders(rows: ir.Table, value: ir.StringValue) -> ir.Table:
    """Per identifier value and account, when the account was first known to hold it, and until when if that ends."""
    until = rows.held_until if "held_until" in rows.columns else ibis.null("int64")
    held = rows.select(account_id=rows.account_id, value=value, ts=rows.ts, known_from=rows.known_from, until=until)
    held = held.filter(held.value.notnull())
    return held.group_by(["value", "account_id"]).agg(
        known_from=held.known_from.min(),
        ts=held.ts.argmin(ibis.struct({"k": held.known_from, "t": held.ts})),
        held_until=held.until.fill_null(FOREVER).max().nullif(FOREVER),
    )


def _owned() -> ir.Table:
    """Versions of accounts with their owner, each until the next version is known."""
    accounts = activity_table("accounts")
    versions = ibis.window(group_by=accounts.account_id, order_by=accounts.known_from)
    return accounts.mutate(ts=accounts.created_at, held_until=accounts.known_from.lead().over(versions))


def _identifiers() -> tuple[Identifier, ...]:
    sessions = activity_table("sessions")
    verifications = activity_table("verifications")
    transfers = activity_table("transfers")
    withdrawals = transfers.filter(
        (transfers.direction == "withdrawal") & (transfers.counterparty_type == "self_hosted")
    )
    accounts = _owned()
    return (
        Identifier("owner", _holders(accounts, accounts.owner_id), 4_000, 50),
        Identifier("document", _holders(verifications, verifications.document_hash), 4_000, 8),
        Identifier("face", _holders(verifications, verifications.face_hash), 4_000, 8),
        Identifier("withdrawal_address", _holders(withdrawals, withdrawals.address), 3_000, 20),
        Identifier("device", _holders(sessions, sessions.device_id), 1_500, 8),
        Identifier("ip", _holders(sessions, sessions.ip), 1_000, 8),
    )


def _pairs(identifier: Identifier) -> ir.Table:
    """Both directions of every pair that shares a value, until more accounts hold it than say anything."""
    holders = identifier.holders
    order = ibis.window(group_by=holders.value, order_by=[holders.known_from, holders.account_id])
    ranked = holders.mutate(place=ibis.row_number().over(order))
    hot = ranked.filter(_.place == identifier.most_holders).select(value=_.value, hot_from=_.known_from)
    early = ranked.filter(_.place < identifier.most_holders)
    other = early.view()
    pairs = early.inner_join(other, [early.value == other.value, early.account_id != other.account_id])
    pairs = pairs.select(
        account_id=_.account_id,
        other_id=_.account_id_right,
        value=_.value,
        ts=ibis.greatest(_.ts, _.ts_right),
        known_from=ibis.greatest(_.known_from, _.known_from_right),
        held_until=ibis.least(_.held_until.fill_null(FOREVER), _.held_until_right.fill_null(FOREVER)),
    )
    timed = pairs.left_join(hot, pairs.value == hot.value)
    return timed.select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=ibis.least(_.hot_from.fill_null(FOREVER), _.held_until).nullif(FOREVER),
        row_id=_.value,
        other_id=_.other_id,
        kind=ibis.literal(identifier.kind),
        weight=ibis.literal(identifier.weight, type="int64"),
    )


def _referral_pairs() -> ir.Table:
    accounts = activity_table("accounts").filter(_.referrer_id.notnull())
    sides = (("account_id", "referrer_id"), ("referrer_id", "account_id"))
    one, other = (
        accounts.select(
            account_id=accounts[own],
            ts=accounts.created_at,
            known_from=accounts.known_from,
            known_until=NEVER_ENDS,
            row_id=accounts.account_id,
            other_id=accounts[opposite],
            kind=ibis.literal("referral"),
            weight=ibis.literal(500, type="int64"),
        )
        for own, opposite in sides
    )
    return one.union(other)


def _links() -> ir.Table:
    return ibis.union(*(_pairs(identifier) for identifier in _identifiers()), _referral_pairs())


def _control() -> ir.Table:
    """From when a pair's kinds of link together weigh enough to mean one controller, until one that was needed ends.

    Links that come later do not prolong it: in doubt an account is not held to be another's.
    """
    links = LINKS.table
    pair = ["account_id", "other_id"]
    kinds = links.group_by([*pair, "kind", "weight"]).agg(
        known_from=links.known_from.min(),
        until=links.known_until.fill_null(FOREVER).max(),
        row_id=links.row_id.min(),
    )
    so_far = ibis.window(
        group_by=[kinds.account_id, kinds.other_id],
        order_by=[kinds.known_from, kinds.kind],
        preceding=None,
        following=0,
    )
    grown = kinds.mutate(reached=kinds.weight.sum().over(so_far))
    enough = grown.filter(_.reached >= CONTROL_WEIGHT)
    reached = enough.group_by(pair).agg(reached_at=enough.known_from.min())
    counted = kinds.inner_join(reached, pair).filter(_.known_from <= _.reached_at)
    together = ibis.window(group_by=[counted.account_id, counted.other_id])
    needed = counted.mutate(rest=counted.weight.sum().over(together) - counted.weight)
    pairs = needed.group_by(pair).agg(
        reached_at=needed.reached_at.max(),
        until=needed.until.min(where=needed.rest < CONTROL_WEIGHT),
        row_id=needed.row_id.min(),
    )
    return pairs.select(
        account_id=_.account_id,
        ts=_.reached_at - 1,
        known_from=_.reached_at,
        known_until=_.until.nullif(FOREVER),
        row_id=_.row_id,
        other_id=_.other_id,
    )


LINKS = Fact("links", "an identifier shared with another account", _links(), "links")
CONTROLLED = Fact("control", "another account under the same control", _control(), "links")
CONTROL = CONTROLLED.table
