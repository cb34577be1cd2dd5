"""Fills wishes: takers against resting limit orders where one waits, else against market makers."""

from dataclasses import dataclass

import numpy as np

from features.simulator.ledger import Ledger
from features.simulator.market.flow import API, APP, BUY, SELL, WEB, Fills, Orders, Rows, Wishes
from features.simulator.market.market import FIELD, INSTRUMENTS, Market
from features.simulator.vectors import HOUR, MINUTE, NONE, SECOND, Floats, Ints, mixed

LOT = np.array([10.0 ** np.floor(np.log10(1 / instrument.price)) for instrument in INSTRUMENTS])
"""Lot size of every instrument, worth 0.1-1 USD."""
QUOTE_LIFE = 15 * SECOND
"""A market maker's order takes the fills of so long a slot."""
PATIENCE, MACHINE_PATIENCE = 6 * HOUR, 40 * MINUTE
ROUNDS_OF_MEETING = 10
FICKLE = 56
"""Percent of people's resting orders that are taken back before anybody meets them."""
FLEETING, MISPLACED = np.array([0.0, 0.02, 0.05, 0.2, 0.5]), 0.015
"""Share of programs' unmet orders that are taken back within a second, by their style, and of people's."""
ROUND_LOTS = 35
"""Percent of people's orders in a round quantity."""


@dataclass(frozen=True, slots=True)
class Meetings(Rows):
    """Which waiting wish (`maker`) meets which taking one, and how much they cross at what price."""

    maker: Ints
    taker: Ints
    quantity: Floats
    price: Floats


def match(
    wishes: Wishes, makers: Ints, market: Market, ledger: Ledger, rng: np.random.Generator
) -> tuple[list[Orders], list[Fills]]:
    """Orders and fills that the wishes lead to; `makers` are the accounts of market makers."""
    orders: list[Orders] = []
    fills: list[Fills] = []
    for instrument in np.unique(wishes.instrument):
        mine = np.flatnonzero(wishes.instrument == instrument)
        here = wishes.at(mine[np.argsort(wishes.ts[mine], kind="stable")])
        bid, ask = market.touch(here.instrument, here.ts)
        price, quantity = np.where(here.side == BUY, ask, bid), _quantities(here, market)
        met = _meet(here, quantity, price, bid, ask, rng)
        price[met.taker] = met.price
        left = quantity - np.bincount(met.taker, met.quantity, len(here))
        left -= np.bincount(met.maker, met.quantity, len(here))
        served = np.flatnonzero(~here.passive & (left > quantity * 1e-9))
        quotes, at = _quotes(here, served, price, left, makers, ledger, rng)
        price[np.setdiff1d(served, met.taker)] = quotes.price[at][~np.isin(served, met.taker)]
        latency = rng.integers(2_000, 40_000, len(here))
        for taker, maker, order, paid, amount in (
            (met.taker, here.account[met.maker], here.order_id[met.maker], met.price, met.quantity),
            (served, quotes.account[at], quotes.order_id[at], quotes.price[at], left[served]),
        ):
            fills.append(_fills(ledger, here.at(taker), maker, order, paid, amount, latency[taker]))
        limit, closed = _resting(here, met, left, bid, ask, rng)
        closed[~here.passive], limit[~here.passive] = NONE, price[~here.passive]
        orders += [quotes, _as_orders(here, limit, quantity, closed)]
    return orders, fills


def _quantities(wishes: Wishes, market: Market) -> Floats:
    lot = LOT[wishes.instrument]
    quantity = np.maximum(np.round(wishes.notional_usd / market.mid(wishes.instrument, wishes.ts) / lot), 1) * lot
    human = (wishes.source == WEB) | (wishes.source == APP)
    digit = 10 ** np.floor(np.log10(quantity))
    rounded = np.maximum(np.round(quantity / digit) * digit, lot)
    return np.asarray(np.where(human & (mixed(wishes.order_id) % 100 < ROUND_LOTS), rounded, quantity))


def _meet(
    wishes: Wishes, quantity: Floats, price: Floats, bid: Floats, ask: Floats, rng: np.random.Generator
) -> Meetings:
    """Waiting wishes meet the next taking wishes of the other side, at the price of their first meeting."""
    ready = wishes.ts + (rng.exponential(20 * SECOND, len(wishes)) + 0.3 * SECOND).astype(np.int64)
    patience = np.where(wishes.source == API, MACHINE_PATIENCE, PATIENCE)
    fickle = (wishes.source != API) & (mixed(wishes.order_id, 6) % 100 < FICKLE)
    left, limit = quantity.copy(), np.zeros(len(wishes))
    none, nothing = np.empty(0, dtype=np.int64), np.empty(0)
    met = [Meetings(none, none, nothing, nothing)]
    for side in (BUY, SELL):
        rest = np.flatnonzero(wishes.passive & (wishes.side == side) & ~fickle)
        for _ in range(ROUNDS_OF_MEETING):
            come = np.flatnonzero(~wishes.passive & (wishes.side != side) & (left > quantity * 1e-9))
            at = np.searchsorted(wishes.ts[come], ready[rest])
            rest, at = rest[at < len(come)], at[at < len(come)]
            taker = come[at]
            known, sign = limit[rest] > 0, 1 if side == BUY else -1
            bound = np.where(known, limit[rest] + sign * 1e-12, ask[rest] if side == BUY else bid[rest])
            inside = (price[taker] - bound) * sign < 0
            inside &= wishes.account[taker] != wishes.account[rest]
            alive = wishes.ts[taker] - wishes.ts[rest] < patience[rest]
            ready[rest[~inside]] = wishes.ts[taker[~inside]] + 1
            good = np.flatnonzero(inside & alive)
            chosen = good[np.unique(taker[good], return_index=True)[1]]
            one, other = rest[chosen], taker[chosen]
            limit[one] = np.where(limit[one] > 0, limit[one], price[other])
            amount = np.minimum(left[one], left[other])
            left[one] -= amount
            left[other] -= amount
            ready[one] = wishes.ts[other] + 1
            met.append(Meetings(one, other, amount, limit[one]))
            rest = rest[alive & (left[rest] > quantity[rest] * 1e-9)]
    return Meetings.stacked(met)


def _fills(
    ledger: Ledger, taken: Wishes, maker: Ints, maker_order: Ints, price: Floats, quantity: Floats, latency: Ints
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
    wishes: Wishes, served: Ints, price: Floats, left: Floats, makers: Ints, ledger: Ledger, rng: np.random.Generator
) -> tuple[Orders, Ints]:
    """Market makers' orders for the served takers: the orders, and for every taker which it hit."""
    slot = wishes.ts[served] // QUOTE_LIFE * 2 + wishes.side[served]
    slots, first, at = np.unique(slot, return_index=True, return_inverse=True)
    count = len(slots)
    maker = makers[mixed(wishes.instrument[served[first]], slots) % len(makers)]
    total = np.bincount(at, left[served], count)
    last = np.zeros(count, dtype=np.int64)
    np.maximum.at(last, at, wishes.ts[served])
    exact = rng.random(count) < 0.03
    placed = wishes.ts[served[first]] - rng.integers(SECOND // 5, 8 * SECOND, count)
    closed = last + rng.integers(SECOND // 2, 10 * SECOND, count)
    orders = Orders(
        ledger.fresh("order", count),
        maker,
        placed,
        wishes.instrument[served[first]],
        1 - wishes.side[served[first]],
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
    wishes: Wishes, met: Meetings, left: Floats, bid: Floats, ask: Floats, rng: np.random.Generator
) -> tuple[Floats, Ints]:
    """Price and end of waiting orders: one that met somebody has the fill's price, the others stand off the touch."""
    size = len(wishes)
    steps = np.round(1 / FIELD["tick"][wishes.instrument])
    away = rng.geometric(0.3, size) / steps
    limit = np.where(wishes.side == BUY, np.maximum(bid - away, bid * 0.9), ask + away)
    limit = np.maximum(np.round(limit * steps), 1) / steps
    limit[met.maker] = met.price
    life = np.exp(rng.normal(np.where(wishes.source == API, np.log(12), np.log(900)), 1.2, size)) * SECOND
    last = wishes.ts.copy()
    np.maximum.at(last, met.maker, wishes.ts[met.taker])
    closed = last + SECOND + life.astype(np.int64)
    often = np.where(wishes.source == API, FLEETING[wishes.account % len(FLEETING)], MISPLACED)
    fleeting = (rng.random(size) < often) & (last == wishes.ts)
    closed[fleeting] = (wishes.ts + (0.05 + 0.3 * rng.exponential(1.0, size)) * SECOND)[fleeting].astype(np.int64)
    filled = np.intersect1d(met.maker, np.flatnonzero(left <= 1e-9 * np.abs(wishes.notional_usd) / limit))
    closed[filled] = NONE
    return limit, closed


def _as_orders(wishes: Wishes, price: Floats, quantity: Floats, closed_at: Ints) -> Orders:
    return Orders(
        wishes.order_id,
        wishes.account,
        wishes.ts,
        wishes.instrument,
        wishes.side,
        ~wishes.passive,
        price,
        quantity,
        closed_at,
        wishes.source,
        wishes.session,
        wishes.api_key,
        wishes.leverage,
        wishes.ui,
    )
