"""Fills: two rows per trade, one for each side, marked once the counterparty is known to be linked or washing."""

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.fact import NEVER_ENDS, Fact, activity_table, micro_usd
from features.facts.findings import WASH_PAIRS
from features.facts.links import CONTROL


def _leg(trades: ir.Table, own: str, other: str, maker: bool) -> ir.Table:
    buys = trades.taker_side == ("sell" if maker else "buy")
    return trades.select(
        account_id=trades[f"{own}_account_id"],
        ts=trades.ts,
        known_from=trades.known_from,
        known_until=NEVER_ENDS,
        row_id=trades.trade_id,
        counterparty=trades[f"{other}_account_id"],
        symbol=trades.symbol,
        product=trades["product"],
        maker=ibis.literal(maker),
        buy=buys,
        opens=trades[f"{own}_effect"] == "open",
        notional=micro_usd(trades.notional_usd),
        signed=micro_usd(trades.notional_usd) * ibis.ifelse(buys, 1, -1),
        fee=micro_usd(trades[f"{own}_fee_usd"]),
        own_trade=trades.maker_account_id == trades.taker_account_id,
        liquidation=trades.liquidation,
    )


def _fills() -> ir.Table:
    # Columns are dropped one at a time: several at once come out in any order, and the fingerprint would change.
    trades = activity_table("trades")
    legs = _leg(trades, "maker", "taker", maker=True).union(_leg(trades, "taker", "maker", maker=False))
    control = CONTROL.select(account_a=_.account_id, account_b=_.other_id, linked_known=_.known_from)
    linked = legs.left_join(control, (legs.account_id == control.account_a) & (legs.counterparty == control.account_b))
    linked = linked.drop("account_a").drop("account_b")
    in_window = (
        ((linked.account_id == WASH_PAIRS.account_a) & (linked.counterparty == WASH_PAIRS.account_b))
        & (linked.symbol == WASH_PAIRS.symbol)
        & (linked.ts >= WASH_PAIRS.window_from)
        & (linked.ts < WASH_PAIRS.known_at)
        & (linked.known_from <= WASH_PAIRS.known_at)
    )
    covered = linked.inner_join(WASH_PAIRS, in_window)
    washed = covered.group_by(["row_id", "account_id"]).agg(wash_known_at=covered.known_at.min())
    washed = washed.rename(washed_row="row_id", washed_account="account_id")
    marked = (
        linked.left_join(washed, (linked.row_id == washed.washed_row) & (linked.account_id == washed.washed_account))
        .drop("washed_row")
        .drop("washed_account")
    )
    return marked.mutate(
        wash_at=marked.wash_known_at - 1,
        linked_at=ibis.ifelse(marked.linked_known.notnull(), marked.ts, ibis.null("int64")),
        linked_known_at=ibis.greatest(marked.linked_known, marked.known_from),
    ).drop("linked_known")


FILLS = Fact("fills", "one side of a trade", _fills(), "trades")
