"""Fills: the legs of trades, marked once the counterparty is known to be linked or washing.

`wash_weight` is the part of a fill, in thousandths, that is no trade with the market (docs/methods.md#credited-volume,
`w`): all of it where one account, one control group or a net-zero ring stands on both sides, from `wash_known_at` on;
else nothing.
"""

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.associations import CONTROL
from features.facts.fact import ACCOUNT_NUMBERS, Fact
from features.facts.legs import LEGS
from features.facts.washing import TRADED_PAIRS, TRADED_RINGS

WHOLE = 1_000


def _sides() -> ir.Table:
    legs = LEGS.table
    buys = legs.side == "buy"
    return legs.select(
        *("account_id", "ts", "known_from", "known_until", "row_id"),
        counterparty=legs.other_id,
        symbol=legs.symbol,
        product=legs["product"],
        maker=legs.maker,
        buy=buys,
        opens=legs.effect == "open",
        notional=legs.micro,
        signed=legs.micro * ibis.ifelse(buys, 1, -1),
        fee=legs.fee,
        own_trade=legs.account_id == legs.other_id,
        liquidation=legs.liquidation,
    )


def _between(legs: ir.Table, pairs: ir.Table, meets: list[ir.BooleanValue], at: str, name: str) -> ir.Table:
    """The legs between two accounts of `known`, with the earliest moment at which that was known."""
    pair = [legs.account_id == pairs.account_a, legs.counterparty == pairs.account_b]
    matches = legs.inner_join(pairs, [*pair, *meets])
    return matches.group_by(["row_id", "account_id"]).agg(**{name: matches[at].min()})


def _traded(legs: ir.Table, traded: ir.Table, name: str) -> ir.Table:
    """The legs among the trades that an episode of accounts meeting each other covers."""
    covered = [
        legs.symbol == traded.symbol,
        (legs.product == "perp") == traded.perp,
        legs.ts >= traded.started_at,
        legs.ts <= traded.ended_at,
        legs.known_from <= traded.known_at,
    ]
    return _between(legs, traded, covered, "known_at", name)


def _linked(legs: ir.Table) -> ir.Table:
    """The legs between accounts under one control that had not ended when they traded, whenever it became known."""
    control = CONTROL.select(
        account_a=_.account_id, account_b=_.other_id, linked_from=_.known_from, linked_until=_.known_until
    )
    still_linked = control.linked_until.isnull() | (legs.ts < control.linked_until)
    return _between(legs, control, [still_linked], "linked_from", "linked_from")


def _happened(known_at: ir.IntegerValue, at: ir.IntegerValue) -> ir.IntegerValue:
    return ibis.ifelse(known_at.notnull(), at, ibis.null("int64"))


def _fills() -> ir.Table:
    legs = _sides()
    columns = legs.columns
    marked = legs
    marks = (
        _linked(legs),
        _traded(legs, TRADED_PAIRS, "paired_known_at"),
        _traded(legs, TRADED_RINGS, "ring_known_at"),
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
