"""Orders and their cancels: what came before a cancel, how orders follow one another, how fills lead to cancels."""

from datetime import timedelta

import pandas as pd
import pytest

from features.activity.snapshot import Activity
from features.definitions import CATALOGUE
from features.facts.orders import CANCELS, ORDERS
from features.kernel.moments import SECOND_US
from features.pipeline import build_vectors
from tests.features.legs import engine_with_legs
from tests.features.patterns.books import NOON, Row, cancel, fill, order


def orders(events: list[Row], trades: list[Row]) -> pd.DataFrame:
    """The fact, by order id."""
    tables = {"order_events": pd.DataFrame(events), "trades": pd.DataFrame(trades)}
    engine = engine_with_legs(Activity.from_frames(tables))
    engine.create_fact(CANCELS.writes, CANCELS.rows)
    return engine.frame(ORDERS.rows).set_index("row_id")


def resting(after_s: float, cancelled_s: float) -> list[Row]:
    """A sell order and its cancel."""
    placed = order("a", after_s)
    return [placed, cancel(placed, cancelled_s)]


@pytest.mark.parametrize(
    ("trades", "after_us"),
    [
        pytest.param([fill("f", 6)], 4 * SECOND_US, id="a fill while it was open"),
        pytest.param([fill("f", 3), fill("g", 9)], 1 * SECOND_US, id="the last of two"),
        pytest.param([fill("f", -1)], None, id="a fill before it was placed"),
        pytest.param([fill("f", 11)], None, id="a fill after it was cancelled"),
        pytest.param([fill("f", 6, taker_side="sell")], None, id="a fill on its own side"),
        pytest.param([fill("f", 6, symbol="ETHUSDT")], None, id="a fill in another book"),
        pytest.param(
            [fill("f", 6, ingested_at=NOON + timedelta(hours=1))], None, id="a fill learned of after the cancel"
        ),
        pytest.param(
            [fill("f", 3), fill("g", 6, ingested_at=NOON + timedelta(hours=1))],
            7 * SECOND_US,
            id="the last that was known, before one learned of late",
        ),
        pytest.param(
            [fill("f", 6, maker_account_id="S", taker_account_id="M", taker_side="sell")],
            4 * SECOND_US,
            id="a fill as the maker",
        ),
    ],
)
def test_a_cancel_knows_the_last_own_opposite_fill_of_its_order(trades: list[Row], after_us: int | None) -> None:
    value = orders(resting(0, 10), trades)["after_fill_us"]["a"]
    assert (None if pd.isna(value) else value) == after_us


def test_a_feed_that_delivers_an_hour_at_once_loses_no_pull() -> None:
    at_once = {"ingested_at": NOON + timedelta(hours=1)}
    placed = [row | at_once for row in resting(0, 10)]
    after = orders(placed, [fill("f", 3, **at_once), fill("g", 6, **at_once), fill("h", 50, **at_once)])
    assert after["after_fill_us"]["a"] == 4 * SECOND_US


def test_pauses_are_those_of_orders_that_came_the_same_way() -> None:
    events = [
        order("h1", 0, source="web"),
        order("k1", 1, source="api"),
        order("e1", 2, source="grid"),
        order("h2", 5, source="app"),
        order("k2", 8, source="api"),
    ]
    gaps = orders(events, [fill("f", 100)])["gap_us"]
    assert gaps[["h2", "k2"]].tolist() == [5 * SECOND_US, 7 * SECOND_US]
    assert gaps[["h1", "k1", "e1"]].isna().all()


@pytest.mark.parametrize(
    ("changes", "behind_bp"),
    [
        ({"side": "buy", "price": 99.0}, 100.0),
        ({"side": "sell", "price": 102.01}, 100.0),
        ({"side": "buy", "price": 100.5}, -50.0),
        ({"side": "buy", "price": 101.0, "order_type": "market"}, None),
    ],
)
def test_a_resting_order_stands_so_far_behind_the_best_price(changes: Row, behind_bp: float | None) -> None:
    placed = order("a", 0, best_bid=100.0, best_ask=101.0, **changes)
    value = orders([placed], [fill("f", 100)])["behind_milli_bp"]["a"]
    assert (None if pd.isna(value) else value / 1_000) == behind_bp


def test_the_lift_compares_cancels_after_own_fills_with_cancels_at_any_moment() -> None:
    pulled = [row | {"order_id": f"p{row['order_id']}"} for row in resting(0, 10)]
    slow = [row | {"order_id": f"s{row['order_id']}"} for row in resting(100, 190)]
    people = pd.DataFrame(
        {"account_id": ["S", "M"], "created_at": NOON, "kind": "retail", "country": "ZZ", "market_maker": False}
    )
    tables = {
        "accounts": people,
        "order_events": pd.DataFrame(pulled + slow),
        "trades": pd.DataFrame([fill("f", 7), fill("g", 110)]),
    }
    spine = pd.DataFrame({"account_id": "S", "as_of": [NOON + timedelta(seconds=after) for after in (9, 60, 200)]})
    feature = CATALOGUE["cancel_after_own_fill_lift_7d"]
    vectors = build_vectors(Activity.from_frames(tables), spine, [feature])
    # Nothing cancelled yet; one of one soon after, its life twice 5 s; one of two, lives ten times 5 s on average.
    assert vectors[feature.name].tolist() == [0.0, 2.0, 5.0]
