"""Writes matched orders and fills into the ledger: events, effects on positions, fees."""

import numpy as np

from features.simulator.flow import Fills, Orders
from features.simulator.ledger import code
from features.simulator.market import IS_PERP
from features.simulator.vectors import MINUTE, NONE, Floats, Ints, mixed
from features.simulator.world import World

TAKER_FEE = 0.0005
MAKER_FEES = np.array([0.0, 0.0001, 0.0002])
MAKER_REBATE = -0.00005
OPEN, CLOSE, NO_EFFECT = (code("order_events", "effect", word) for word in ("open", "close", "none"))


def book(world: World, orders: Orders, fills: Fills) -> None:
    """Emit `order_events` and `trades`."""
    effect = effects(orders, fills)
    _book_orders(world, orders, effect)
    _book_trades(world, fills, effect)


def effects(orders: Orders, fills: Fills) -> Ints:
    """Effect code by order id: a perpetual's order closes if it runs against half its size in position, else opens."""
    size = int(orders.order_id.max()) + 1
    ids = np.concatenate([fills.maker_order, fills.taker_order])
    moments, amounts = np.tile(fills.ts, 2), np.tile(fills.quantity, 2)
    filled: Floats = np.bincount(ids, amounts, size).astype(np.float64)
    first_at = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(first_at, ids, moments)
    effect = np.full(size, NO_EFFECT)
    perp = orders.at(IS_PERP[orders.instrument])
    effect[perp.order_id] = OPEN
    done = perp.at(filled[perp.order_id] > 0)
    done = done.at(np.lexsort((done.order_id, first_at[done.order_id], done.instrument, done.account)))
    signed = filled[done.order_id] * np.where(done.side == 0, 1.0, -1.0)
    holder = done.account * len(IS_PERP) + done.instrument
    before = _running(holder, signed) - signed
    closes = (before * signed < 0) & (np.abs(before) >= 0.5 * np.abs(signed))
    effect[done.order_id[closes]] = CLOSE
    return effect


def _running(group: Ints, values: Floats) -> Floats:
    """Cumulated sums that begin anew with every group; groups stand together."""
    total = np.cumsum(values)
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]]) if len(group) else np.empty(0, dtype=np.int64)
    offset = np.repeat(total[starts] - values[starts], np.diff(np.r_[starts, len(group)]))
    return np.asarray(total - offset)


def _book_orders(world: World, orders: Orders, effect: Ints) -> None:
    size = len(orders)
    bid, ask = world.market.touch(orders.instrument, orders.ts)
    buys, takes = orders.side == 0, orders.market
    ask = np.where(takes & buys, orders.price, ask)
    bid = np.where(takes & ~buys, orders.price, bid)
    bid, ask = np.minimum(bid, ask * 0.99999), np.maximum(ask, bid * 1.00001)
    depth = world.market.depth(orders.instrument, orders.ts, orders.side)
    value = orders.quantity * orders.price
    shared = {
        "symbol": world.market.symbol_of[orders.instrument],
        "product": IS_PERP[orders.instrument],
        "order_type": takes & (mixed(orders.order_id, 1) % 4 > 0),
        "side": orders.side,
        "price": orders.price,
        "effect": effect[orders.order_id],
        "source": orders.source,
        "session_id": orders.session,
        "api_key_id": orders.api_key,
        "leverage": orders.leverage,
    }
    world.ledger.emit(
        "order_events",
        size,
        order_id=orders.order_id,
        account_id=orders.account,
        ts=orders.ts,
        event="new",
        quantity=orders.quantity,
        had_ui_event=orders.ui,
        best_bid=bid,
        best_ask=ask,
        depth_share=np.minimum(value / (depth + value), 1.0),
        **shared,
    )
    closed = np.flatnonzero((orders.closed_at != NONE) & (orders.closed_at < world.market.end))
    expired = (mixed(orders.order_id, 2)[closed] % 25 == 0) & (
        orders.closed_at[closed] - orders.ts[closed] > 30 * MINUTE
    )
    world.ledger.emit(
        "order_events",
        len(closed),
        order_id=orders.order_id[closed],
        account_id=orders.account[closed],
        ts=orders.closed_at[closed],
        event=np.where(expired, code("order_events", "event", "expire"), code("order_events", "event", "cancel")),
        quantity=0.0,
        had_ui_event=orders.ui[closed],
        best_bid=np.nan,
        best_ask=np.nan,
        depth_share=np.nan,
        **{name: values[closed] for name, values in shared.items()},
    )


def _book_trades(world: World, fills: Fills, effect: Ints) -> None:
    agreement = world.people.market_maker[fills.maker]
    rate = np.where(agreement, MAKER_REBATE, MAKER_FEES[mixed(fills.maker, 4) % 3])
    world.ledger.emit(
        "trades",
        len(fills),
        trade_id=fills.trade_id,
        ts=fills.ts,
        symbol=world.market.symbol_of[fills.instrument],
        product=IS_PERP[fills.instrument],
        price=fills.price,
        quantity=fills.quantity,
        notional_usd=fills.notional_usd,
        maker_account_id=fills.maker,
        taker_account_id=fills.taker,
        maker_order_id=fills.maker_order,
        taker_order_id=fills.taker_order,
        taker_side=fills.taker_side,
        maker_effect=effect[fills.maker_order],
        taker_effect=effect[fills.taker_order],
        maker_fee_usd=rate * fills.notional_usd,
        taker_fee_usd=TAKER_FEE * fills.notional_usd,
        liquidation=fills.liquidation,
    )
