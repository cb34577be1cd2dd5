"""Writes matched orders and fills into the ledger: events, effects on positions, fees."""

import numpy as np

from features.simulator.ledger import Values, code
from features.simulator.market.flow import Fills, Orders
from features.simulator.market.market import IS_PERP
from features.simulator.vectors import MINUTE, NONE, Floats, Ints, mixed
from features.simulator.world import World

TAKER_FEE = 0.0005
MAKER_FEES = np.array([0.0, 0.0001, 0.0002])
MAKER_REBATE = -0.00005
OPEN, CLOSE, NO_EFFECT = (code("order_events", "effect", word) for word in ("open", "close", "none"))
CANCEL, EXPIRE = (code("order_events", "event", word) for word in ("cancel", "expire"))
MODIFIED_PERCENT = 8
"""Of the orders that waited for minutes and met nobody, how many were made smaller meanwhile."""


def book(world: World, orders: Orders, fills: Fills, refused: list[Orders]) -> None:
    """Emit `order_events` and `trades`."""
    effect = effects(orders, fills)
    _book_orders(world, orders, effect)
    _book_modifications(world, orders, fills, effect)
    for rejected in refused:
        _book_refusals(world, rejected)
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
    bid, ask = _touch_at(world, orders)
    depth = world.market.depth(orders.instrument, orders.ts, orders.side)
    value = orders.quantity * orders.price
    world.ledger.emit(
        "order_events",
        len(orders),
        ts=orders.ts,
        event="new",
        quantity=orders.quantity,
        best_bid=bid,
        best_ask=ask,
        depth_share=np.minimum(value / (depth + value), 1.0),
        **_described(world, orders, effect),
    )
    ended = orders.at((orders.closed_at != NONE) & (orders.closed_at < world.market.end))
    expires = (mixed(ended.order_id, 2) % 25 == 0) & (ended.closed_at - ended.ts > 30 * MINUTE)
    world.ledger.emit(
        "order_events",
        len(ended),
        ts=ended.closed_at,
        event=np.where(expires, EXPIRE, CANCEL),
        quantity=0.0,
        **_described(world, ended, effect),
    )


def _book_modifications(world: World, orders: Orders, fills: Fills, effect: Ints) -> None:
    """Some unfilled orders lose part of their quantity halfway; the price stays, so that nothing else changes."""
    waited = orders.at((orders.closed_at - orders.ts > MINUTE) & (orders.closed_at < world.market.end))
    waited = waited.at(mixed(waited.order_id, 3) % 100 < MODIFIED_PERCENT)
    changed = waited.at(~np.isin(waited.order_id, fills.maker_order))
    world.ledger.emit(
        "order_events",
        len(changed),
        ts=(changed.ts + changed.closed_at) // 2,
        event="modify",
        quantity=changed.quantity * (0.5 + mixed(changed.order_id, 4) % 400 / 1000),
        **_described(world, changed, effect),
    )


def _book_refusals(world: World, refused: Orders) -> None:
    """Orders that were never accepted: too small, beyond a limit, or malformed."""
    effect = np.full(int(refused.order_id.max(initial=0)) + 1, NO_EFFECT)
    effect[refused.order_id[IS_PERP[refused.instrument]]] = OPEN
    world.ledger.emit(
        "order_events",
        len(refused),
        ts=refused.ts,
        event="reject",
        quantity=0.0,
        **_described(world, refused, effect),
    )


def _touch_at(world: World, orders: Orders) -> tuple[Floats, Floats]:
    """Best prices when the orders came; what a taker paid was the best opposite price."""
    bid, ask = world.market.touch(orders.instrument, orders.ts)
    buys, takes = orders.side == 0, orders.market
    ask, bid = np.where(takes & buys, orders.price, ask), np.where(takes & ~buys, orders.price, bid)
    return np.minimum(bid, ask * 0.99999), np.maximum(ask, bid * 1.00001)


def _described(world: World, orders: Orders, effect: Ints) -> dict[str, Values]:
    """The columns that are the same in all events of an order."""
    return {
        "order_id": orders.order_id,
        "account_id": orders.account,
        "symbol": world.market.symbol_of[orders.instrument],
        "product": IS_PERP[orders.instrument],
        "order_type": orders.market & (mixed(orders.order_id, 1) % 4 > 0),
        "side": orders.side,
        "price": orders.price,
        "effect": effect[orders.order_id],
        "source": orders.source,
        "session_id": orders.session,
        "api_key_id": orders.api_key,
        "leverage": orders.leverage,
        "had_ui_event": orders.ui,
    }


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
