"""Links: pairs of accounts that share an identifier, while both are known to hold it and it is not hot.

A hot identifier has more holders at a time than say anything (a café, a carrier's address, an exchange's wallet). It is
hot from when the holder too many was known until enough of them have lapsed; what was found before stays as it was.
"""

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.fact import NEVER_ENDS, Fact, activity_table
from features.facts.identifiers import ALWAYS_VALID, HOLDINGS
from features.facts.link_settings import LINK_SETTINGS, bands
from features.kernel.moments import HOUR_US
from features.kernel.units import MILLI

ALONE = 1


def _stretches(holdings: ir.Table) -> ir.Table:
    """Per identifier the stretches of time in which it has so many holders that it says something, with its weight."""
    value = ["kind", "value"]
    starts = holdings.select(*value, at=_.known_from, change=ibis.literal(1))
    ends = holdings.filter(_.until < ALWAYS_VALID).select(*value, at=_.until, change=ibis.literal(-1))
    moments = starts.union(ends).group_by([*value, "at"]).agg(change=_.change.sum().cast("float64"))
    so_far = ibis.window(group_by=value, order_by="at", preceding=None, following=0)
    counted = moments.mutate(holders=_.change.sum().over(so_far))
    weight = ibis.cases(
        *(
            ((_.kind == band.kind) & (_.holders > max(band.more_than, ALONE)) & (_.holders <= band.most), band.weight)
            for band in bands()
        ),
        else_=0,
    )
    weighed = counted.mutate(weight=weight)
    in_turn = ibis.window(group_by=value, order_by="at")
    changes = weighed.mutate(before=_.weight.lag().over(in_turn).fill_null(0)).filter(_.weight != _.before)
    stretches = changes.mutate(stretch_until=_.at.lead().over(in_turn).fill_null(ALWAYS_VALID)).filter(_.weight > 0)
    name = stretches.kind + ":" + stretches["value"] + ":" + stretches["at"].cast("string")
    return stretches.select(*value, "stretch_until", stretch_from=_.at, stretch=name, weight=_.weight.cast("int64"))


def _sharing() -> ir.Table:
    """Both directions of every pair that holds a value at the same time, while it is not hot."""
    holdings = HOLDINGS.table.mutate(until=_.known_until.fill_null(ALWAYS_VALID))
    stretches = _stretches(holdings)
    sharers = holdings.inner_join(
        stretches,
        [
            holdings.kind == stretches.kind,
            holdings.value == stretches.value,
            holdings.known_from < stretches.stretch_until,
            stretches.stretch_from < holdings.until,
        ],
    ).select(
        *("kind", "value", "stretch", "stretch_from", "stretch_until", "weight"),
        *("account_id", "ts", "known_from", "until"),
    )
    other = sharers.select("stretch", "account_id", "ts", "known_from", "until").view()
    pairs = sharers.inner_join(
        other,
        [
            sharers.stretch == other.stretch,
            sharers.account_id != other.account_id,
            sharers.known_from < other.until,
            other.known_from < sharers.until,
        ],
    ).select(
        kind=_.kind,
        value=_.value,
        account_id=_.account_id,
        other_id=_.account_id_right,
        ts=ibis.greatest(_.ts, _.ts_right),
        known_from=ibis.greatest(_.known_from, _.known_from_right, _.stretch_from),
        until=ibis.least(_.until, _.until_right, _.stretch_until),
        weight=_.weight,
        first_id=ibis.ifelse(
            (_.known_from < _.known_from_right)
            | ((_.known_from == _.known_from_right) & (_.account_id < _.account_id_right)),
            _.account_id,
            _.account_id_right,
        ),
    )
    return pairs.filter(_.known_from < _.until)


def _not_handed_over(pairs: ir.Table) -> ir.Table:
    """Pairs on one device, less those where it only changed hands: sold or repaired, it does not come back.

    A device is shared from when its second holder appears within a day of the first one's use, or else from when the
    first holder comes back to it.
    """
    sessions = activity_table("sessions").select(
        used_by=_.account_id, device_id=_.device_id, used_at=_.ts, use_known=_.known_from
    )
    joined = pairs.inner_join(sessions, [pairs.value == sessions.device_id, pairs.first_id == sessions.used_by])
    pair = ["account_id", "other_id", "value", "known_from"]
    uses = joined.group_by(pair).agg(
        last_used=joined.used_at.max(where=joined.use_known <= joined.known_from),
        came_back=joined.use_known.min(where=(joined.use_known > joined.known_from) & (joined.used_at > joined.ts)),
    )
    timed = pairs.inner_join(uses, pair)
    at_once = timed.ts - timed.last_used <= LINK_SETTINGS["device_handover_h"] * HOUR_US
    shared = timed.mutate(known_from=ibis.ifelse(at_once, timed.known_from, timed.came_back))
    return shared.filter(shared.known_from.notnull() & (shared.known_from < shared.until))


def _shared_identifiers() -> ir.Table:
    pairs = _sharing()
    devices = _not_handed_over(pairs.filter(_.kind == "device"))
    return ibis.union(*(_linked(rows) for rows in (pairs.filter(_.kind != "device"), devices)))


def _linked(pairs: ir.Table) -> ir.Table:
    return pairs.select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=_.until.nullif(ALWAYS_VALID),
        row_id=_.value,
        other_id=_.other_id,
        kind=_.kind,
        weight=_.weight,
    )


def _both_ways(pairs: ir.Table, kind: str) -> ir.Table:
    """Links for pairs of columns one and other, in both directions and for good."""
    weight = round(LINK_SETTINGS[f"{kind}_weight"] * MILLI)
    return ibis.union(
        *(
            pairs.select(
                account_id=pairs[own],
                ts=pairs.ts,
                known_from=pairs.known_from,
                known_until=NEVER_ENDS,
                row_id=pairs.row_id,
                other_id=pairs[opposite],
                kind=ibis.literal(kind),
                weight=ibis.literal(weight, type="int64"),
            )
            for own, opposite in (("one", "other"), ("other", "one"))
        )
    )


def _referrals() -> ir.Table:
    accounts = activity_table("accounts").filter(_.referrer_id.notnull() & (_.referrer_id != _.account_id))
    pairs = accounts.select(
        one=_.account_id, other=_.referrer_id, ts=_.created_at, known_from=_.known_from, row_id=_.account_id
    )
    return _both_ways(pairs, "referral")


def _transfer_loops() -> ir.Table:
    """Pairs that sent money inside the platform both ways, from when both ways were known."""
    sent = activity_table("transfers").filter(
        (_.direction == "internal_out")
        & _.counterparty_account_id.notnull()
        & (_.counterparty_account_id != _.account_id)
    )
    first = ibis.struct({"known_from": sent.known_from, "ts": sent.ts, "transfer_id": sent.transfer_id})
    ways = sent.group_by(["account_id", "counterparty_account_id"]).agg(
        ts=sent.ts.argmin(first), known_from=sent.known_from.min(), row_id=sent.transfer_id.argmin(first)
    )
    back = ways.view()
    loops = ways.inner_join(
        back,
        [ways.account_id == back.counterparty_account_id, ways.counterparty_account_id == back.account_id],
    ).filter(_.account_id < _.account_id_right)
    pairs = loops.select(
        one=_.account_id,
        other=_.account_id_right,
        ts=ibis.greatest(_.ts, _.ts_right),
        known_from=ibis.greatest(_.known_from, _.known_from_right),
        row_id=_.row_id,
    )
    return _both_ways(pairs, "transfer_loop")


LINKS = Fact(
    "links",
    "an identifier shared with another account",
    ibis.union(_shared_identifiers(), _referrals(), _transfer_loops()),
    "links",
)
