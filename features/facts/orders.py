"""Orders: one row per order placed, with when it was first cancelled and first filled."""

import ibis.expr.types as ir
from ibis import _

from features.facts.fact import NEVER_ENDS, Fact, activity_table, first_known, micro_usd, not_negative, previously_known

BY_HAND = ("web", "app")


def _orders() -> ir.Table:
    events = activity_table("order_events")
    trades = activity_table("trades")
    placed = events.filter(_.event == "new").select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.order_id,
        symbol=_.symbol,
        product=_.product,
        market=(_.order_type == "market").fill_null(False),
        buy=_.side == "buy",
        opens=_.effect == "open",
        notional=micro_usd(_.price * _.quantity),
        by_hand=_.source.isin(BY_HAND),
        by_engine=_.source.isin(("copy", "grid", "liquidation")),
        without_ui=(~_.had_ui_event).fill_null(False),
        leverage_milli=(_.leverage * 1000).round().cast("int64"),
    )
    placed = previously_known(placed)
    cancels = events.filter(_.event == "cancel").select(order_id=_.order_id, ts=_.ts, known_from=_.known_from)
    fills = trades.select(order_id=_.maker_order_id, ts=_.ts, known_from=_.known_from).union(
        trades.select(order_id=_.taker_order_id, ts=_.ts, known_from=_.known_from)
    )
    cancelled = first_known(cancels, "order_id", "cancelled")
    filled = first_known(fills.filter(_.order_id.notnull()), "order_id", "filled")
    joined = placed.left_join(cancelled, placed.row_id == cancelled.order_id).drop("order_id")
    joined = joined.left_join(filled, joined.row_id == filled.order_id).drop("order_id")
    return joined.mutate(life_us=not_negative(joined.cancelled_at - joined.ts))


ORDERS = Fact("orders", "an order placed", _orders(), "order_events")
