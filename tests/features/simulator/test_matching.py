"""What must hold of any matching, whatever people wish for."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.simulator.ledger import Ledger
from features.simulator.market.flow import Fills, OrderRequests, Orders
from features.simulator.market.market import Market, make_market
from features.simulator.market.matching import match
from features.simulator.naming import Names
from features.simulator.profiles import PROFILES
from features.simulator.vectors import DAY, MINUTE

MARKET: Market = make_market(PROFILES["tiny"], np.random.default_rng(1))
MAKERS = np.array([900, 901])


def _wishes(rng: np.random.Generator, size: int) -> OrderRequests:
    zero = np.zeros(size, dtype=np.int64)
    return OrderRequests(
        order_id=np.arange(size),
        account=rng.integers(0, 6, size),
        ts=MARKET.start + DAY + rng.integers(0, 30 * MINUTE, size),
        instrument=rng.integers(0, 3, size),
        side=rng.integers(0, 2, size),
        notional_usd=rng.lognormal(5, 1.5, size) + 5,
        passive=rng.random(size) < 0.5,
        source=rng.integers(0, 3, size),
        session=zero - 1,
        api_key=zero - 1,
        leverage=np.full(size, np.nan),
        ui=zero,
        liquidation=zero > 0,
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 120))
def test_takers_are_filled_exactly_and_nobody_beyond_the_order_or_with_himself(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    order_requests, ledger = _wishes(rng, size), Ledger(Names([], (), ()))
    ledger.fresh("order", size)
    parts = match(order_requests, MAKERS, MARKET, ledger, rng)
    orders, fills = Orders.stacked(parts[0]), Fills.stacked(parts[1])
    count = int(orders.order_id.max()) + 1
    quantity = np.zeros(count)
    quantity[orders.order_id] = orders.quantity
    made, took = (np.bincount(ids, fills.quantity, count) for ids in (fills.maker_order, fills.taker_order))
    assert (made <= quantity * (1 + 1e-9)).all()
    taking = order_requests.order_id[~order_requests.passive]
    np.testing.assert_allclose(took[taking], quantity[taking], rtol=1e-6)
    assert (fills.maker != fills.taker).all()
    assert (fills.price > 0).all()
    assert (fills.quantity > 0).all()
    assert len(np.unique(orders.order_id)) == len(orders)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_fill_comes_after_both_orders_and_at_the_price_of_the_makers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    order_requests, ledger = _wishes(rng, 80), Ledger(Names([], (), ()))
    ledger.fresh("order", len(order_requests))
    parts = match(order_requests, MAKERS, MARKET, ledger, rng)
    orders, fills = Orders.stacked(parts[0]), Fills.stacked(parts[1])
    order = np.argsort(orders.order_id)
    for ids in (fills.maker_order, fills.taker_order):
        assert (orders.ts[order][ids] < fills.ts).all()
    np.testing.assert_array_equal(orders.price[order][fills.maker_order], fills.price)
    ends = orders.closed_at[order][fills.maker_order]
    assert ((ends < 0) | (ends >= fills.ts)).all()
