"""Fills order requests: takers against resting limit orders where one waits, else against market makers."""

from dataclasses import dataclass

import numpy as np

from features.simulator.ledger import Ledger
from features.simulator.market.flow import API, APP, BUY, SELL, WEB, Fills, OrderRequests, Orders, Rows
from features.simulator.market.market import FIELD, INSTRUMENTS, Market
from features.simulator.vectors import HOUR, MINUTE, NONE, SECOND, Floats, Ints, mixed

LOT = np.array([10.0 ** np.floor(np.log10(1 / instrument.price)) for instrument in INSTRUMENTS])
"""Lot size of every instrument, worth 0.1-1 USD."""
QUOTE_LIFE = 15 * SECOND
"""A market maker's order takes the fills of so long a slot."""
ORDER_LIFETIME, MACHINE_ORDER_LIFETIME = 6 * HOUR, 40 * MINUTE
ROUNDS_OF_MEETING = 10
IMPATIENT_SHARE = 56
"""Percent of people's resting orders that are taken back before anybody meets them."""
FLEETING, MISPLACED = np.array([0.0, 0.02, 0.05, 0.2, 0.5]), 0.015
"""Share of programs' unmet orders that are taken back within a second, by their style, and of people's."""
ROUND_LOTS = 35
"""Percent of people's orders in a round quantity."""


@dataclass(frozen=True, slots=True)
class Matches(Rows):
    """Which waiting request (`maker`) matches which taking one, and how much they cross at what price."""

    maker: Ints
    taker: Ints
    quantity: Floats
    price: Floats


def match(
    order_requests: OrderRequests, makers: Ints, market: Market, ledger: Ledger, rng: np.random.Generator
) -> tuple[list[Orders], list[Fills]]:
    """Orders and fills that the order requests lead to; `makers` are the accounts of market makers."""
    orders: list[Orders] = []
    fills: list[Fills] = []
    for instrument in np.unique(order_requests.instrument):
        mine = np.flatnonzero(order_requests.instrument == instrument)
        here = order_requests.at(mine[np.argsort(order_requests.ts[mine], kind="stable")])
        bid, ask = market.touch(here.instrument, here.ts)
        price, quantity = np.where(here.side == BUY, ask, bid), _quantities(here, market)
        matches = _meet(here, quantity, price, bid, ask, rng)
        price[matches.taker] = matches.price
        left = quantity - np.bincount(matches.taker, matches.quantity, len(here))
        left -= np.bincount(matches.maker, matches.quantity, len(here))
        served = np.flatnonzero(~here.passive & (left > quantity * 1e-9))
        quotes, at = _quotes(here, served, price, left, makers, ledger, rng)
        price[np.setdiff1d(served, matches.taker)] = quotes.price[at][~np.isin(served, matches.taker)]
        latency = rng.integers(2_000, 40_000, len(here))
        for taker, maker, order, paid, amount in (
            (matches.taker, here.account[matches.maker], here.order_id[matches.maker], matches.price, matches.quantity),
            (served, quotes.account[at], quotes.order_id[at], quotes.price[at], left[served]),
        ):
            fills.append(_fills(ledger, here.at(taker), maker, order, paid, amount, latency[taker]))
        limit, closed = _resting(here, matches, left, bid, ask, rng)
        closed[~here.passive], limit[~here.passive] = NONE, price[~here.passive]
        orders += [quotes, _as_orders(here, limit, quantity, closed)]
    return orders, fills


def _quantities(order_requests: OrderRequests, market: Market) -> Floats:
    lot = LOT[order_requests.instrument]
    quantity = (
        np.maximum(
            np.round(order_requests.notional_usd / market.mid(order_requests.instrument, order_requests.ts) / lot), 1
        )
        * lot
    )
    human = (order_requests.source == WEB) | (order_requests.source == APP)
    digit = 10 ** np.floor(np.log10(quantity))
    rounded = np.maximum(np.round(quantity / digit) * digit, lot)
    return np.asarray(np.where(human & (mixed(order_requests.order_id) % 100 < ROUND_LOTS), rounded, quantity))


def _meet(
    order_requests: OrderRequests, quantity: Floats, price: Floats, bid: Floats, ask: Floats, rng: np.random.Generator
) -> Matches:
    """Waiting requests match the next taking requests of the other side, at the price of their first match."""
    ready = order_requests.ts + (rng.exponential(20 * SECOND, len(order_requests)) + 0.3 * SECOND).astype(np.int64)
    order_lifetime = np.where(order_requests.source == API, MACHINE_ORDER_LIFETIME, ORDER_LIFETIME)
    is_impatient = (order_requests.source != API) & (mixed(order_requests.order_id, 6) % 100 < IMPATIENT_SHARE)
    left, limit = quantity.copy(), np.zeros(len(order_requests))
    none, nothing = np.empty(0, dtype=np.int64), np.empty(0)
    matches = [Matches(none, none, nothing, nothing)]
    for side in (BUY, SELL):
        rest = np.flatnonzero(order_requests.passive & (order_requests.side == side) & ~is_impatient)
        for _ in range(ROUNDS_OF_MEETING):
            come = np.flatnonzero(~order_requests.passive & (order_requests.side != side) & (left > quantity * 1e-9))
            at = np.searchsorted(order_requests.ts[come], ready[rest])
            rest, at = rest[at < len(come)], at[at < len(come)]
            taker = come[at]
            has_limit, sign = limit[rest] > 0, 1 if side == BUY else -1
            bound = np.where(has_limit, limit[rest] + sign * 1e-12, ask[rest] if side == BUY else bid[rest])
            inside = (price[taker] - bound) * sign < 0
            inside &= order_requests.account[taker] != order_requests.account[rest]
            alive = order_requests.ts[taker] - order_requests.ts[rest] < order_lifetime[rest]
            ready[rest[~inside]] = order_requests.ts[taker[~inside]] + 1
            good = np.flatnonzero(inside & alive)
            chosen = good[np.unique(taker[good], return_index=True)[1]]
            maker, other = rest[chosen], taker[chosen]
            limit[maker] = np.where(limit[maker] > 0, limit[maker], price[other])
            amount = np.minimum(left[maker], left[other])
            left[maker] -= amount
            left[other] -= amount
            ready[maker] = order_requests.ts[other] + 1
            matches.append(Matches(maker, other, amount, limit[maker]))
            rest = rest[alive & (left[rest] > quantity[rest] * 1e-9)]
    return Matches.stacked(matches)


def _fills(
    ledger: Ledger, taken: OrderRequests, maker: Ints, maker_order: Ints, price: Floats, quantity: Floats, latency: Ints
) -> Fills:
    return Fills(
        ledger.fresh("trade", len(taken)),
        taken.ts + latency,
        taken.instrument,
        price,
        quantity,
        price * quantity,
        maker,
        taken.account,
        maker_order,
        taken.order_id,
        taken.side,
        taken.liquidation,
    )


def _quotes(
    order_requests: OrderRequests,
    served: Ints,
    price: Floats,
    left: Floats,
    makers: Ints,
    ledger: Ledger,
    rng: np.random.Generator,
) -> tuple[Orders, Ints]:
    """Market makers' orders for the served takers: the orders, and for every taker which it hit."""
    slot = order_requests.ts[served] // QUOTE_LIFE * 2 + order_requests.side[served]
    slots, first, at = np.unique(slot, return_index=True, return_inverse=True)
    count = len(slots)
    maker = makers[mixed(order_requests.instrument[served[first]], slots) % len(makers)]
    total = np.bincount(at, left[served], count)
    last = np.zeros(count, dtype=np.int64)
    np.maximum.at(last, at, order_requests.ts[served])
    exact = rng.random(count) < 0.03
    placed = order_requests.ts[served[first]] - rng.integers(SECOND // 5, 8 * SECOND, count)
    closed = last + rng.integers(SECOND // 2, 10 * SECOND, count)
    orders = Orders(
        ledger.fresh("order", count),
        maker,
        placed,
        order_requests.instrument[served[first]],
        1 - order_requests.side[served[first]],
        np.zeros(count, dtype=bool),
        price[served[first]],
        np.where(exact, total, total * rng.uniform(1.2, 4.0, count)),
        np.where(exact, NONE, closed),
        np.full(count, API),
        np.full(count, NONE),
        maker * 4,
        np.full(count, np.nan),
        np.zeros(count, dtype=np.int64),
    )
    return orders, at


def _resting(
    order_requests: OrderRequests, matches: Matches, left: Floats, bid: Floats, ask: Floats, rng: np.random.Generator
) -> tuple[Floats, Ints]:
    """Price and end of waiting orders: one that met somebody has the fill's price, the others stand off the touch."""
    size = len(order_requests)
    steps = np.round(1 / FIELD["tick"][order_requests.instrument])
    away = rng.geometric(0.3, size) / steps
    limit = np.where(order_requests.side == BUY, np.maximum(bid - away, bid * 0.9), ask + away)
    limit = np.maximum(np.round(limit * steps), 1) / steps
    limit[matches.maker] = matches.price
    life = np.exp(rng.normal(np.where(order_requests.source == API, np.log(12), np.log(900)), 1.2, size)) * SECOND
    last = order_requests.ts.copy()
    np.maximum.at(last, matches.maker, order_requests.ts[matches.taker])
    closed = last + SECOND + life.astype(np.int64)
    often = np.where(order_requests.source == API, FLEETING[order_requests.account % len(FLEETING)], MISPLACED)
    fleeting = (rng.random(size) < often) & (last == order_requests.ts)
    closed[fleeting] = (order_requests.ts + (0.05 + 0.3 * rng.exponential(1.0, size)) * SECOND)[fleeting].astype(
        np.int64
    )
    filled = np.intersect1d(matches.maker, np.flatnonzero(left <= 1e-9 * np.abs(order_requests.notional_usd) / limit))
    closed[filled] = NONE
    return limit, closed


def _as_orders(order_requests: OrderRequests, price: Floats, quantity: Floats, closed_at: Ints) -> Orders:
    return Orders(
        order_requests.order_id,
        order_requests.account,
        order_requests.ts,
        order_requests.instrument,
        order_requests.side,
        ~order_requests.passive,
        price,
        quantity,
        closed_at,
        order_requests.source,
        order_requests.session,
        order_requests.api_key,
        order_requests.leverage,
        order_requests.ui,
    )
