"""Orders: one row per order placed, with when it was first cancelled and filled, and how cancels follow own fills."""

from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.fact import NEVER_ENDS, Fact, activity_table, first_known, micro_usd, not_negative, rounded
from features.facts.legs import LEGS
from features.kernel.moments import SECOND_US
from features.kernel.thresholds import read_thresholds

BY_HAND = ("web", "app")
ENGINES = ("copy", "grid", "liquidation")
NUMBERS = read_thresholds(Path(__file__).with_suffix(".yaml")).values
LOOKBACK_US = int(NUMBERS["fill_lookback_h"] * 3600 * SECOND_US)


BOOK = ["account_id", "symbol", "product", "buy"]


def _opposite_fills() -> ir.Table:
    """The legs of trades, as of the order side that is opposite to them."""
    legs = LEGS.table
    return legs.select(
        account_id=legs.account_id,
        symbol=legs.symbol,
        product=legs["product"],
        buy=legs.side == "sell",
        filled_at=legs.ts,
        fill_known=legs.known_from,
    )


def _cancels() -> ir.Table:
    """Cancels with the last own fill on the other side of the book before them.

    Only what was known when the cancel was counts, so a fill that arrives late changes no cancel.
    """
    cancels = activity_table("order_events").filter((_.event == "cancel") & ~_.source.isin(ENGINES))
    cancels = cancels.select(
        *("account_id", "ts", "known_from", "order_id", "symbol", "product"), buy=cancels.side == "buy"
    )
    cancels, fills = _near_each_other(cancels, _opposite_fills())
    fills = fills.group_by([*BOOK, "filled_at"]).agg(fill_known=_.fill_known.min())
    last = cancels.asof_join(fills, cancels.ts >= fills.filled_at, BOOK)
    last = last.select(*cancels.columns, "filled_at", "fill_known").filter(_.ts - _.filled_at <= LOOKBACK_US)
    in_time = last.filter(_.fill_known <= _.known_from)
    return in_time.union(_known_before(last.filter(_.fill_known > _.known_from), fills)).select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.order_id,
        symbol=_.symbol,
        product=_["product"],
        buy=_.buy,
        filled_at=_.filled_at,
    )


def _near_each_other(cancels: ir.Table, fills: ir.Table) -> tuple[ir.Table, ir.Table]:
    """Those that may be within the look-back of one another: most are not, and an as-of join of all is dear.

    Hashes that collide only keep rows that the join then leaves out.
    """
    wanted = cancels.select(stretch=_stretch(cancels, cancels.ts))
    within = fills.filter(_stretch(fills, fills.filled_at).isin(wanted.stretch) | _next(fills).isin(wanted.stretch))
    answered = within.select(stretch=_stretch(within, within.filled_at)).union(within.select(stretch=_next(within)))
    return cancels.filter(_stretch(cancels, cancels.ts).isin(answered.stretch)), within


def _stretch(rows: ir.Table, at: ir.IntegerValue, later: int = 0) -> ir.IntegerValue:
    """A hash of one side of an account's book and the look-back's length of time that a moment is in, or the next."""
    side = {name: rows[name] for name in BOOK}
    hashed: ir.IntegerValue = ibis.struct({**side, "stretch": at // LOOKBACK_US + later}).hash()
    return hashed


def _next(fills: ir.Table) -> ir.IntegerValue:
    return _stretch(fills, fills.filled_at, later=1)


def _known_before(unaware: ir.Table, fills: ir.Table) -> ir.Table:
    """The last fill that was known, for the few cancels whose last fill was not known yet when they were."""
    nearby = ibis.array([_.filled_at // LOOKBACK_US, _.filled_at // LOOKBACK_US + 1]).unnest()
    fills = fills.mutate(stretch=nearby)
    columns = [name for name in unaware.columns if name not in ("filled_at", "fill_known")]
    unaware_cancels = unaware.select(columns).mutate(stretch=_.ts // LOOKBACK_US)
    matches = unaware_cancels.inner_join(fills, [*BOOK, "stretch"]).filter(
        (_.filled_at <= _.ts) & (_.ts - _.filled_at <= LOOKBACK_US) & (_.fill_known <= _.known_from)
    )
    return (
        matches.group_by(columns)
        .agg(filled_at=_.filled_at.max(), fill_known=_.fill_known.max())
        .select(*unaware.columns)
    )


MAX_TIMES = 1e9  # no leverage and no distance from the best price is more than so many times


def _behind_best(orders: ir.Table) -> ir.IntegerValue:
    """How far behind the best price of its own side a resting order stood, in thousandths of a basis point."""
    behind = ibis.ifelse(
        orders.side == "buy",
        (orders.best_bid - orders.price) / orders.best_bid,
        (orders.price - orders.best_ask) / orders.best_ask,
    )
    resting = orders.order_type.fill_null("limit") == "limit"
    return ibis.ifelse(resting, rounded(behind, 10_000_000, MAX_TIMES), ibis.null("int64"))


def _orders() -> ir.Table:
    events = activity_table("order_events")
    new = events.filter(_.event == "new")
    placed = new.select(
        account_id=_.account_id,
        ts=_.ts,
        known_from=_.known_from,
        known_until=NEVER_ENDS,
        row_id=_.order_id,
        symbol=_.symbol,
        product=_["product"],
        market=(_.order_type == "market").fill_null(False),
        buy=_.side == "buy",
        opens=_.effect == "open",
        notional=micro_usd(_.price * _.quantity),
        quantity=_.quantity,
        by_hand=_.source.isin(BY_HAND),
        by_engine=_.source.isin(ENGINES),
        without_ui=(~_.had_ui_event).fill_null(False),
        leverage_milli=rounded(_.leverage, 1000, MAX_TIMES),
        depth_milli=rounded(_.depth_share, 1000, 1.0).cast("int32"),
        behind_milli_bp=_behind_best(new),
    )
    cancels = events.filter(_.event == "cancel").select(order_id=_.order_id, ts=_.ts, known_from=_.known_from)
    fills = LEGS.table.select(order_id=_.order_id, ts=_.ts, known_from=_.known_from)
    cancelled = first_known(cancels, "order_id", "cancelled")
    filled = first_known(fills.filter(_.order_id.notnull()), "order_id", "filled")
    joined = placed.left_join(cancelled, placed.row_id == cancelled.order_id).drop("order_id")
    joined = joined.left_join(filled, joined.row_id == filled.order_id).drop("order_id")
    joined = _with_gap(joined).mutate(life_us=not_negative(joined.cancelled_at - joined.ts))
    return _with_own_fill(joined)


def _with_gap(rows: ir.Table) -> ir.Table:
    """`gap_us`: the time since the order known just before that came the same way (by hand, by engine, by key)."""
    window = ibis.window(
        group_by=[rows.account_id, rows.by_hand, rows.by_engine], order_by=[rows.known_from, rows.ts, rows.row_id]
    )
    return rows.mutate(gap_us=not_negative(rows.ts - rows.ts.lag().over(window)))


def _with_own_fill(rows: ir.Table) -> ir.Table:
    """`after_fill_us`: how long before its cancel the account was last filled opposite, while the order was open."""
    cancels = CANCELS.table.select(pulled_id=_.row_id, pulled_at=_.ts, own_fill_at=_.filled_at)
    cancels = cancels.group_by(["pulled_id", "pulled_at"]).agg(own_fill_at=_.own_fill_at.max())
    joined = rows.left_join(cancels, (rows.row_id == cancels.pulled_id) & (rows.cancelled_at == cancels.pulled_at))
    joined = joined.drop("pulled_id").drop("pulled_at")
    since = ibis.cases((joined.own_fill_at >= joined.ts, joined.cancelled_at - joined.own_fill_at))
    return joined.mutate(after_fill_us=since).drop("own_fill_at")


CANCELS = Fact("pulls", "an order cancelled after an own fill on the other side", _cancels(), "order_events")
ORDERS = Fact("orders", "an order placed", _orders(), "order_events")
