"""Every word against a value computed by hand, what it says where nothing happened, and what its window sees."""

import numpy as np
import pandas as pd
import pytest
from ibis import _

from features.activity.snapshot import Activity
from features.catalogue import Feature
from features.facts.flows import FLOWS
from features.facts.orders import ORDERS
from features.kernel.units import MICRO
from features.pipeline import build_vectors
from features.vocabulary.aggregates import (
    LIFETIME,
    Aggregate,
    Window,
    by_then,
    coefficient_of_variation,
    concentration,
    count,
    days,
    distinct,
    entropy,
    first_to_last,
    groups,
    groups_reaching,
    hours,
    in_days,
    in_hours,
    in_seconds,
    lag_between,
    largest,
    latest,
    mean,
    minutes,
    new_values,
    peak,
    quantile,
    ratio,
    scaled,
    share,
    since_first,
    since_last,
    smaller_over_larger,
    smallest,
    sum_over,
    total,
    usd,
)

T = pd.Timestamp("2025-05-08T00:00:00Z")
HOUR = pd.Timedelta(hours=1)
UTC = "datetime64[us, UTC]"
IN, OUT = _.inward, ~_.inward
AMOUNT_IN = _.amount * _.inward.cast("int64")
AMOUNT_OUT = _.amount * (~_.inward).cast("int64")

# hours before T, direction, USD, the other side; the last two are at T itself and learned of after T.
MOVES = [
    (200, "deposit", 1_000.0, "x"),
    (100, "deposit", 900.0, "x"),
    (50, "withdrawal", 300.0, "y"),
    (20, "deposit", 100.0, "x"),
    (10, "withdrawal", 300.0, "z"),
    (0, "deposit", 5_000.0, "w"),
    (5, "deposit", 7_000.0, "w"),
]


@pytest.fixture(scope="module")
def activity() -> Activity:
    """Account a moves money, account b does nothing; a places three orders and cancels two, one unknown until later."""
    accounts = {"account_id": ["a", "b"], "created_at": T - 400 * HOUR, "kind": "retail", "country": "ZZ"}
    transfers = pd.DataFrame(
        {
            "transfer_id": [f"t{n}" for n in range(len(MOVES))],
            "account_id": "a",
            "ts": [T - ago * HOUR for ago, *_ in MOVES],
            "direction": [direction for _, direction, _, _ in MOVES],
            "asset": "USDT",
            "amount": [amount for _, _, amount, _ in MOVES],
            "amount_usd": [amount for _, _, amount, _ in MOVES],
            "counterparty_type": "exchange",
            "counterparty_account_id": [other for *_, other in MOVES],
            "ingested_at": pd.Series([None] * 6 + [T + HOUR], dtype=UTC),
        }
    )
    events = [
        ("o1", 9, "new", 0),
        ("o2", 9, "new", 0),
        ("o3", 9, "new", 0),
        ("o1", 8, "cancel", 0),
        ("o2", 8, "cancel", 9),
    ]
    orders = pd.DataFrame(
        {
            "order_id": [order for order, *_ in events],
            "account_id": "a",
            "ts": [T - ago * HOUR for _, ago, _, _ in events],
            "event": [event for _, _, event, _ in events],
            "symbol": "BTCUSDT",
            "product": "spot",
            "side": "buy",
            "price": 1.0,
            "quantity": [0.0 if event == "cancel" else 1.0 for _, _, event, _ in events],
            "effect": "none",
            "source": "web",
            "ingested_at": [T - (ago - late) * HOUR for _, ago, _, late in events],
        }
    )
    frames = {
        "accounts": pd.DataFrame(accounts | {"market_maker": False}),
        "transfers": transfers,
        "order_events": orders,
    }
    return Activity.from_frames(frames)


WORDS: dict[str, tuple[Aggregate, Window, float, float]] = {
    "count": (count(), days(7), 4, 0),
    "count of some": (count(IN), days(7), 2, 0),
    "count of a lifetime": (count(), LIFETIME, 5, 0),
    "count of hours, the first moment included": (count(), hours(10), 1, 0),
    "count of minutes": (count(), minutes(599), 0, 0),
    "total": (total(_.amount), days(7), 1_600 * MICRO, 0),
    "usd": (usd(total(_.amount)), days(7), 1_600, 0),
    "scaled": (scaled(count(), 8), days(7), 0.5, 0),
    "share": (share(IN), days(7), 0.5, 0),
    "share by weight": (share(IN, by=_.amount), days(7), 0.625, 0),
    "ratio": (ratio(total(AMOUNT_IN), total(AMOUNT_OUT)), days(7), 1_000 / 600, 0),
    "ratio to nothing": (ratio(count(IN), count(_.internal)), days(7), 2, 0),
    "smaller over larger": (smaller_over_larger(total(AMOUNT_IN), total(AMOUNT_OUT)), days(7), 0.6, 0),
    "mean": (usd(mean(_.amount)), days(7), 400, 0),
    "mean of some": (usd(mean(_.amount, where=IN, fill=-1.0)), days(7), 500, -1),
    "distinct": (distinct(_.other), days(7), 3, 0),
    "distinct of some": (distinct(_.other, where=IN), days(7), 1, 0),
    "median": (usd(quantile(_.amount, 0.5)), days(7), 300, 0),
    "quarter": (usd(quantile(_.amount, 0.25)), days(7), 250, 0),
    "largest": (usd(largest(_.amount)), days(7), 900, 0),
    "smallest": (usd(smallest(_.amount)), days(7), 100, 0),
    "latest": (usd(latest(_.amount)), days(7), 300, 0),
    "latest of some": (usd(latest(_.amount, where=IN)), days(7), 100, 0),
    "since first": (in_hours(since_first()), days(7), 100, 0),
    "since last": (in_hours(since_last(fill=-1.0)), days(7), 10, -1),
    "since last of some, in days": (in_days(since_last(IN)), days(7), 20 / 24, 0),
    "first to last, in seconds": (in_seconds(first_to_last()), days(7), 90 * 3_600, 0),
    "lag between": (in_hours(lag_between(OUT, IN)), days(7), 30, 0),
    "lag to nothing": (lag_between(_.internal, IN, fill=-5.0), days(7), -5, -5),
    "spread": (coefficient_of_variation(_.amount), days(7), float(np.std([900, 300, 100, 300]) / 400), 0),
    "peak": (peak(count(), per=_.other), days(7), 2, 0),
    "groups": (groups(_.other), days(7), 3, 0),
    "groups of some": (groups(_.other, where=OUT), days(7), 2, 0),
    "groups reaching": (groups_reaching(total(_.amount), per=_.other, least=301 * MICRO), days(7), 1, 0),
    "groups reaching exactly": (groups_reaching(total(_.amount), per=_.other, least=300 * MICRO), days(7), 3, 0),
    "sum over": (usd(sum_over(latest(_.amount), per=_.other)), days(7), 700, 0),
    "new_values": (new_values(per=_.other, within=days(2)), LIFETIME, 1, 0),
    "entropy": (entropy(count(), per=_.other), days(7), 1.5, 0),
    "concentration": (concentration(total(_.amount), per=_.other), days(7), (1_000**2 + 2 * 300**2) / 1_600**2, 0),
}


@pytest.fixture(scope="module")
def vectors(activity: Activity) -> pd.DataFrame:
    """A column a word: row 0 is account a, row 1 account b."""
    features = [
        Feature(word, FLOWS, aggregate, window, "amount", "by hand", "M")
        for word, (aggregate, window, _, _) in WORDS.items()
    ]
    return build_vectors(activity, pd.DataFrame({"account_id": ["a", "b"], "as_of": T}), features)


@pytest.mark.parametrize("word", WORDS)
def test_a_word_says_what_one_computes_by_hand(vectors: pd.DataFrame, word: str) -> None:
    assert vectors[word][0] == pytest.approx(WORDS[word][2], abs=1e-9)


@pytest.mark.parametrize("word", WORDS)
def test_where_nothing_happened_a_word_says_its_fill(vectors: pd.DataFrame, word: str) -> None:
    assert vectors[word][1] == WORDS[word][3]


def test_a_cancel_counts_from_when_it_was_known(activity: Activity) -> None:
    ratio_of_cancels = Feature("cancelled", ORDERS, share(by_then("cancelled")), days(1), "share", "cancelled", "5.3")
    moments = [
        T - 8 * HOUR,
        T - 8 * HOUR + pd.Timedelta(microseconds=1),
        T + HOUR - pd.Timedelta(microseconds=1),
        T + HOUR,
    ]
    vectors = build_vectors(activity, pd.DataFrame({"account_id": "a", "as_of": moments}), [ratio_of_cancels])
    assert vectors["cancelled"].tolist() == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3])


def test_a_row_at_the_moment_itself_is_not_seen_and_a_late_one_from_when_it_was_known(activity: Activity) -> None:
    received = Feature("received", FLOWS, usd(total(_.amount)), days(7), "usd", "received", "4.4", where=IN)
    later = T + pd.Timedelta(microseconds=1)
    spine = pd.DataFrame({"account_id": "a", "as_of": [T, later, T + HOUR]})
    assert build_vectors(activity, spine, [received])["received"].tolist() == [1_000.0, 6_000.0, 13_000.0]
