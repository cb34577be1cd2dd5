"""Fills: two rows per trade, one for each side, marked once the counterparty is known to be linked or washing.

`wash_weight` is the part of a fill, in thousandths, that is no trade with the market (methods 5.3 `w`): all of it where
one account, one control group or a net-zero ring stands on both sides, from `wash_known_at` on; else nothing.
"""

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.associations import CONTROL
from features.facts.fact import ACCOUNT_NUMBERS, NEVER_ENDS, Fact, activity_table, micro_usd
from features.facts.washing import PAIRS_MET, RINGS_MET

WHOLE = 1_000


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


def _between(legs: ir.Table, known: ir.Table, meets: list[ir.BooleanValue], at: str, name: str) -> ir.Table:
    """The legs between two accounts of `known`, with the earliest moment at which that was known."""
    pair = [legs.account_id == known.account_a, legs.counterparty == known.account_b]
    found = legs.inner_join(known, [*pair, *meets])
    return found.group_by(["row_id", "account_id"]).agg(**{name: found[at].min()})


def _met(legs: ir.Table, met: ir.Table, name: str) -> ir.Table:
    """The legs among the trades that an episode of accounts meeting each other covers."""
    covered = [
        legs.symbol == met.symbol,
        (legs.product == "perp") == met.perp,
        legs.ts >= met.started_at,
        legs.ts <= met.ended_at,
        legs.known_from <= met.known_at,
    ]
    return _between(legs, met, covered, "known_at", name)


def _linked(legs: ir.Table) -> ir.Table:
    """The legs between accounts under one control that had not ended when they traded, whenever it became known."""
    control = CONTROL.select(
        account_a=_.account_id, account_b=_.other_id, linked_from=_.known_from, linked_until=_.known_until
    )
    held = control.linked_until.isnull() | (legs.ts < control.linked_until)
    return _between(legs, control, [held], "linked_from", "linked_from")


def _happened(known_at: ir.IntegerValue, at: ir.IntegerValue) -> ir.IntegerValue:
    return ibis.ifelse(known_at.notnull(), at, ibis.null("int64"))


def _fills() -> ir.Table:
    trades = activity_table("trades")
    legs = _leg(trades, "maker", "taker", maker=True).union(_leg(trades, "taker", "maker", maker=False))
    columns = legs.columns
    marked = legs
    marks = (
        _linked(legs),
        _met(legs, PAIRS_MET, "paired_known_at"),
        _met(legs, RINGS_MET, "ring_known_at"),
    )
    for mark in marks:
        same = [marked.row_id == mark.row_id, marked.account_id == mark.account_id]
        marked = marked.left_join(mark, same).drop("row_id_right").drop("account_id_right")
    marked = marked.mutate(
        linked_known_at=ibis.ifelse(
            _.linked_from.notnull(), ibis.greatest(_.linked_from, _.known_from), ibis.null("int64")
        )
    )
    own_known_at = ibis.ifelse(marked.own_trade, marked.known_from, ibis.null("int64"))
    # `least` forgets nulls: what counts is the first of the three to be known.
    marked = marked.mutate(wash_known_at=ibis.least(own_known_at, marked.linked_known_at, marked.ring_known_at))
    clocks = {
        clock: value
        for name in ("linked", "paired", "ring", "wash")
        for clock, value in (
            (f"{name}_at", _happened(marked[f"{name}_known_at"], marked.ts)),
            (f"{name}_known_at", marked[f"{name}_known_at"]),
        )
    }
    weight = ibis.ifelse(marked.wash_known_at.notnull(), WHOLE, 0).cast("int64")
    named = marked.select(*(marked[name] for name in columns), **clocks, wash_weight=weight)
    others = ACCOUNT_NUMBERS.select(counterparty=_.account_id, counterparty_no=_.account_no)
    return named.left_join(others, "counterparty").select(*named.columns, "counterparty_no")


FILLS = Fact("fills", "one side of a trade", _fills(), "trades", patterns=("wash_pair", "wash_ring"))
