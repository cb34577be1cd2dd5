"""Messages: seconds in which an account sent several order messages, and orders sent with a key nobody had approved."""

from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.fact import NEVER_ENDS, Fact, activity_table, first_known
from features.facts.orders import ENGINES
from features.kernel.thresholds import read_thresholds
from features.kernel.units import MICRO

NUMBERS = read_thresholds(Path(__file__).with_suffix(".yaml")).values
SKEW_US = int(NUMBERS["key_skew_ms"] * 1_000)
SENT = ("new", "modify", "cancel", "reject")


def _messages() -> ir.Table:
    """One row a closed second as far as it is known; what of it arrives later takes the row's place."""
    sent = activity_table("order_events").filter(_.event.isin(SENT) & ~_.source.isin(ENGINES))
    sent = sent.mutate(closed_at=(sent.ts // MICRO + 1) * MICRO)
    sent = sent.mutate(known_from=ibis.greatest(sent.known_from, sent.closed_at))
    second = ["account_id", "closed_at"]
    seconds = sent.group_by(second).agg(messages=_.count(), rejects=(_.event == "reject").cast("int64").sum())
    sent = sent.semi_join(seconds.filter(_busy), second)
    arrived = sent.group_by([*second, "known_from"]).agg(
        messages=_.count(), rejects=(_.event == "reject").cast("int64").sum(), row_id=_.order_id.min()
    )
    so_far = ibis.window(group_by=second, order_by="known_from", preceding=None, following=0)
    states = arrived.select(
        account_id=_.account_id,
        ts=_.closed_at - 1,
        known_from=_.known_from,
        known_until=_.known_from.lead().over(group_by=second, order_by="known_from"),
        row_id=_.row_id.min().over(so_far),
        messages=_.messages.sum().over(so_far).cast("float64").cast("int64"),
        rejects=_.rejects.sum().over(so_far).cast("float64").cast("int64"),
    )
    return states.filter(_busy)


def _busy(seconds: ir.Table) -> ir.BooleanValue:
    return (seconds.messages >= NUMBERS["min_messages"]) | (seconds.rejects > 0)


def _key_uses() -> ir.Table:
    """Orders whose key was not approved when they came, as far as was known then or is known of a revocation since.

    An approval that becomes known later clears them. A revoked key is never valid again. Nothing is said before the
    first approval of any key is known: the exchange may not report them. Orders without a key id are not judged.
    """
    keys = activity_table("api_keys")
    keys = keys.mutate(held=keys.account_id + ":" + keys.api_key_id)
    approved = first_known(keys.filter(_.event == "approved"), "held", "approved")
    revoked = first_known(keys.filter(_.event == "revoked"), "held", "revoked").rename(lost="held")
    reported = keys.filter(_.event == "approved").aggregate(reported_from=_.known_from.min())
    used = _doubtful_uses(approved, revoked)
    joined = used.cross_join(reported).filter(_.reported_from <= _.known_from)
    joined = joined.left_join(approved, joined.key == approved.held).drop("held")
    joined = joined.left_join(revoked, joined.key == revoked.lost).drop("lost")
    in_time = ((joined.approved_at <= joined.ts + SKEW_US) & (joined.approved_known_at <= joined.known_from)).fill_null(
        False
    )
    lost = (joined.revoked_at <= joined.ts - SKEW_US).fill_null(False)
    return joined.filter(~in_time | lost).select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.order_id,
        symbol=_.symbol,
        api_key_id=_.api_key_id,
        approved_in_time=(joined.approved_at <= joined.ts + SKEW_US).fill_null(False),
        approved_at=_.approved_at,
        approved_known_at=_.approved_known_at,
        revoked_in_time=lost,
        revoked_at=_.revoked_at,
        revoked_known_at=_.revoked_known_at,
    )


def _doubtful_uses(approved: ir.Table, revoked: ir.Table) -> ir.Table:
    """The orders of those keys that were not approved before all of their orders, or were revoked: usually none."""
    events = activity_table("order_events")
    used = events.filter((_.event == "new") & (_.source == "api") & _.api_key_id.notnull())
    of_key = used.group_by(["account_id", "api_key_id"]).agg(first_ts=_.ts.min(), first_known=_.known_from.min())
    of_key = of_key.mutate(key=of_key.account_id + ":" + of_key.api_key_id)
    valid = approved.anti_join(revoked, approved.held == revoked.lost)
    trusted = of_key.inner_join(
        valid,
        [
            of_key.key == valid.held,
            valid.approved_at <= of_key.first_ts,
            valid.approved_known_at <= of_key.first_known,
        ],
    ).select("key")
    doubtful = of_key.anti_join(trusted, "key").select(
        key=_.key, doubted_account=_.account_id, doubted_key=_.api_key_id
    )
    return used.inner_join(
        doubtful, [used.account_id == doubtful.doubted_account, used.api_key_id == doubtful.doubted_key]
    )


MESSAGES = Fact("messages", "a second with several order messages", _messages(), "order_events")
KEY_USES = Fact("key_uses", "an order with a key that was not approved", _key_uses(), "order_events")
