"""Legs: two rows a trade, one for each side, from which detectors and facts read what an account traded.

Money and fees are whole millionths of a dollar: the cast stands here once.
"""

import ibis
import ibis.expr.types as ir

from features.facts.fact import NEVER_ENDS, Fact, activity_table, micro_usd


def _leg(trades: ir.Table, own: str, other: str, *, maker: bool) -> ir.Table:
    opposite = ibis.cases((trades.taker_side == "buy", "sell"), (trades.taker_side == "sell", "buy"))
    return trades.select(
        account_id=trades[f"{own}_account_id"],
        ts=trades.ts,
        known_from=trades.known_from,
        known_until=NEVER_ENDS,
        row_id=trades.trade_id,
        other_id=trades[f"{other}_account_id"],
        symbol=trades.symbol,
        product=trades["product"],
        maker=ibis.literal(maker),
        side=opposite if maker else trades.taker_side,
        price=trades.price,
        quantity=trades.quantity,
        notional_usd=trades.notional_usd,
        micro=micro_usd(trades.notional_usd),
        fee=micro_usd(trades[f"{own}_fee_usd"]),
        effect=trades[f"{own}_effect"],
        order_id=trades[f"{own}_order_id"],
        liquidation=trades.liquidation,
    )


def _legs() -> ir.Table:
    trades = activity_table("trades")
    return _leg(trades, "maker", "taker", maker=True).union(_leg(trades, "taker", "maker", maker=False))


LEGS = Fact("legs", "one side of a trade, as the trade states it", _legs(), "trades")
