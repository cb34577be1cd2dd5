"""Messages: busy seconds as they close, and orders with keys that nobody approved, as far as was known."""

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from features.activity.snapshot import Activity
from features.definitions import CATALOGUE
from features.engines.duckdb import DuckDBEngine
from features.facts.messages import MESSAGES
from features.pipeline import build_vectors
from tests.features.patterns.books import NOON, Row, cancel, microseconds, order


def seconds(events: list[Row]) -> list[tuple[int, int, int | None, int, int]]:
    """The fact: (ts, known_from, known_until, messages, rejects)."""
    engine = DuckDBEngine(Activity.from_frames({"order_events": pd.DataFrame(events)}))
    rows = sorted(engine.run(MESSAGES.rows).to_pylist(), key=lambda row: (row["ts"], row["known_from"]))
    return [(r["ts"], r["known_from"], r["known_until"], r["messages"], r["rejects"]) for r in rows]


def test_a_second_with_several_messages_is_a_row_once_it_is_over() -> None:
    placed = order("a", 0.1)
    busy = [placed, cancel(placed, 0.9), order("a2", 0.5)]
    calm = [order("b", 1.5), order("b2", 1.6), order("c", 2.0), order("c2", 2.1), order("d", 2.2, source="grid")]
    assert seconds(busy + calm) == [(microseconds(1) - 1, microseconds(1), None, 3, 0)]


def test_messages_that_arrive_late_are_counted_with_those_of_their_second_from_then_on() -> None:
    late = {"ingested_at": NOON + timedelta(minutes=1)}
    rows = seconds([order(f"o{n}", n / 10) for n in range(3)] + [order(f"l{n}", 0.5 + n / 10) | late for n in range(3)])
    assert rows == [
        (microseconds(1) - 1, microseconds(1), microseconds(60), 3, 0),
        (microseconds(1) - 1, microseconds(60), None, 6, 0),
    ]


def test_messages_of_a_live_feed_each_with_its_own_delay_are_one_busy_second() -> None:
    events = [order(f"o{n}", n / 10, ingested_at=NOON + timedelta(seconds=2, milliseconds=n)) for n in range(3)]
    assert seconds(events) == [(microseconds(1) - 1, microseconds(2.002), None, 3, 0)]


def test_a_refusal_counts_even_alone() -> None:
    assert seconds([order("a", 0, event="reject", quantity=0.0)]) == [
        (microseconds(1) - 1, microseconds(1), None, 1, 1)
    ]


def key(event: str, after_s: float, **changes: Any) -> Row:
    """An event of the key of the case's account, so many seconds after noon."""
    return {"ts": NOON + timedelta(seconds=after_s), "event": event} | changes


LATE = {"ingested_at": NOON + timedelta(seconds=90)}
# By case: what happened to the key of an order that came a minute after noon, and how many orders count by when.
CASES: dict[str, tuple[list[Row], dict[float, int]]] = {
    "never approved": ([], {100: 1}),
    "approved before": ([key("approved", 0)], {100: 0}),
    "approved within the skew of two clocks": ([key("approved", 60.2)], {100: 0}),
    "approved after": ([key("approved", 60.201)], {100: 1}),
    "the key of somebody else": ([key("approved", 0, account_id="somebody")], {100: 1}),
    "revoked before": ([key("approved", 0), key("revoked", 59.8)], {100: 1}),
    "revoked within the skew": ([key("approved", 0), key("revoked", 59.801)], {100: 0}),
    "an approval learned of late clears": ([key("approved", 0, **LATE)], {80: 1, 89.999999: 1, 90: 0}),
    "a revocation learned of late counts from then": (
        [key("approved", 0), key("revoked", 30, **LATE)],
        {80: 0, 90: 1},
    ),
    "no key id": ([], {100: 0}),
    "by web": ([], {100: 0}),
}
PLACED: dict[str, Row] = {"no key id": {"api_key_id": None}, "by web": {"source": "web"}}


@pytest.fixture(scope="module")
def counted() -> dict[tuple[str, float], float]:
    """How many orders without approval the vectors count, by case and moment; every case is an account."""
    people = pd.DataFrame({"account_id": [*CASES, "somebody"], "created_at": NOON - timedelta(days=30)})
    orders = [order(c, 60.0, **{"account_id": c, "api_key_id": f"key of {c}"} | PLACED.get(c, {})) for c in CASES]
    keys = [{"account_id": c, "api_key_id": f"key of {c}"} | row for c, (rows, _) in CASES.items() for row in rows]
    reported = {"account_id": "somebody", "api_key_id": "other"} | key("approved", -900)
    tables = {
        "accounts": people.assign(kind="retail", country="ZZ", market_maker=False),
        "order_events": pd.DataFrame(orders),
        "api_keys": pd.DataFrame([reported, *keys]),
    }
    asked = [(case, after_s) for case, (_, expected) in CASES.items() for after_s in expected]
    moments = [NOON + timedelta(seconds=after_s) for _, after_s in asked]
    spine = pd.DataFrame({"account_id": [case for case, _ in asked], "as_of": moments})
    feature = CATALOGUE["unapproved_key_orders_n_7d"]
    vectors = build_vectors(Activity.from_frames(tables), spine, [feature])
    return dict(zip(asked, vectors[feature.name], strict=True))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.fires("D02")
@pytest.mark.spares("D02")
def test_an_order_counts_whose_key_was_not_approved_as_far_as_is_known(
    counted: dict[tuple[str, float], float], case: str
) -> None:
    expected = CASES[case][1]
    assert {after_s: counted[case, after_s] for after_s in expected} == expected
