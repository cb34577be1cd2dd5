"""Combined aggregates against values computed by hand, and what they say where too little happened."""

import math
from collections.abc import Callable
from typing import Any

import ibis
import pandas as pd
import pytest
from ibis import _

from features.activity.snapshot import Activity
from features.catalogue import Feature
from features.facts.flows import FLOWS
from features.kernel.errors import Invalid
from features.kernel.moments import DAY_US
from features.pipeline import build_vectors
from features.vocabulary.aggregates import (
    LIFETIME,
    THE_EVENT,
    Aggregate,
    count,
    days,
    hours,
    largest,
    mean,
    share,
    total,
    usd,
)
from features.vocabulary.combining import at_least, daily_minimum, modal_share, product, surge

T = pd.Timestamp("2025-05-08T00:00:00Z")
# hours before T and USD of each deposit: two of 10, one of 20 on other days than one of 40
DEPOSITS = [(12, 10.0), (14, 10.0), (36, 20.0), (60, 40.0)]


def value(aggregate: Aggregate, deposits: list[tuple[int, float]] = DEPOSITS, **changes: Any) -> float:
    """The aggregate over the deposits."""
    rows = pd.DataFrame(
        {
            "transfer_id": [f"x{n}" for n in range(len(deposits))],
            "account_id": "A",
            "ts": [T - pd.Timedelta(hours=before) for before, _usd in deposits],
            "direction": "deposit",
            "asset": "USDT",
            "amount": [amount for _before, amount in deposits],
            "amount_usd": [amount for _before, amount in deposits],
            "counterparty_type": "exchange",
        }
    )
    people = pd.DataFrame(
        {
            "account_id": ["A"],
            "created_at": T - pd.Timedelta(days=99),
            "kind": "retail",
            "country": "ZZ",
            "market_maker": False,
        }
    )
    window = changes.pop("window", days(7))
    feature = Feature("value", FLOWS, aggregate, window, "ratio", "is the value", "4.4", **changes)
    spine = pd.DataFrame({"account_id": ["A"], "as_of": [T]})
    vectors = build_vectors(Activity.from_frames({"transfers": rows, "accounts": people}), spine, [feature])
    return float(vectors["value"].iloc[0])


def test_a_product_is_one_aggregate_times_the_other() -> None:
    assert value(product(count(), usd(mean(_.amount)))) == 4 * 20.0
    assert value(product(count(), mean(_.amount)), where=_.amount < 0) == 0.0


@pytest.mark.parametrize(("least", "expected"), [(4, 20.0), (5, -1.0)])
def test_a_value_stands_only_where_enough_rows_stand_behind_it(least: int, expected: float) -> None:
    assert value(at_least(least, usd(mean(_.amount)), fill=-1.0)) == expected


@pytest.mark.parametrize(("least", "expected"), [(2, 20.0), (3, -1.0)])
def test_the_rows_that_must_be_enough_may_be_chosen(least: int, expected: float) -> None:
    assert value(at_least(least, usd(mean(_.amount)), -1.0, where=_.amount == 10_000_000)) == expected


@pytest.mark.parametrize(("least", "expected"), [(4, 0.5), (5, 0.0)])
def test_the_modal_share_is_that_of_the_largest_group(least: int, expected: float) -> None:
    assert value(modal_share(count(), per=_.amount)) == 0.5
    assert value(at_least(least, modal_share(count(), per=_.amount), fill=0.0)) == expected


@pytest.mark.parametrize(("of", "expected"), [(3, 10.0), (4, 99.0)])
def test_the_daily_minimum_is_the_smallest_of_enough_groups(of: int, expected: float) -> None:
    by_day = (_.as_of - 1 - _.ts) // DAY_US
    assert value(daily_minimum(largest(_.amount // 1_000_000, fill=99.0), per=by_day, of=of)) == expected


# of the deposits two of 10 USD in the last 16 hours; before them 20 USD 20 hours earlier and 40 USD 44 hours earlier
@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        (surge(count(), hours(16), days(6), 0.0), 2 / (2 * 16 / 44)),
        (surge(count(), hours(16), days(6), 1.0), 3 / (1 + 2 * 16 / 44)),
        (surge(count(), hours(16), hours(30), 0.0), 2 / (1 * 16 / 30)),
        (surge(usd(total(_.amount)), hours(16), days(6), 50.0), 70 / (50 + 60 * 16 / 44)),
        (surge(usd(largest(_.amount)), hours(16), days(6), 5.0, adds_up=False), 15 / 45),
        (surge(share(_.amount > 15_000_000), hours(16), days(6), 0.5, adds_up=False), 0.5 / 1.5),
    ],
    ids=["count", "least is added to both", "the past ends", "total", "largest", "share"],
)
def test_a_surge_is_how_often_the_usual_fits_into_what_happened_lately(aggregate: Aggregate, expected: float) -> None:
    assert value(aggregate) == pytest.approx(expected)


def test_a_row_at_the_edge_is_recent() -> None:
    edge = surge(count(), hours(14), days(6), 0.0)
    assert value(edge) == pytest.approx(2 / (2 * 14 / 46))


def test_a_steady_newcomer_does_not_surge() -> None:
    steady = [(hour, 10.0) for hour in range(1, 50, 2)]
    assert value(surge(count(), hours(24), days(6), 0.0), steady) == pytest.approx(1.0, abs=0.05)
    assert value(surge(count(), hours(32), days(6), 0.0), steady) == pytest.approx(1.0, abs=0.1)


def test_an_account_that_was_silent_for_long_surges_as_what_it_never_does() -> None:
    sleeper = [(1, 1_000.0), (24 * 80, 10.0)]
    emptied = surge(usd(total(_.amount)), days(1), days(8), 50.0)
    assert value(emptied, sleeper, window=LIFETIME) == pytest.approx(1_050 / 50)


@pytest.mark.parametrize("before", [[], [(24 + 11, 10.0)]], ids=["nothing", "less than half as long"])
def test_without_a_past_nobody_knows_what_is_usual(before: list[tuple[int, float]]) -> None:
    assert math.isnan(value(surge(count(), days(1), days(6), 1.0), [(1, 10.0), *before]))
    assert value(surge(count(), days(1), days(6), 1.0), [(1, 10.0), (24 + 12, 10.0)]) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("recent", "past"), [(16, 4), (10, 60)], ids=["nothing before", "nothing lately"])
def test_a_share_that_has_no_row_to_be_of_is_unknown(recent: int, past: int) -> None:
    shares = surge(share(_.amount > 0), hours(recent), hours(past), 0.05, adds_up=False)
    assert math.isnan(value(shares))


def test_a_largest_value_of_what_nobody_said_is_unknown() -> None:
    said_lately = ibis.ifelse(_.ts >= _.as_of - 16 * 3_600_000_000, _.amount, ibis.null())
    assert math.isnan(value(surge(largest(said_lately), hours(16), days(6), 0.05, adds_up=False)))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: surge(count(), LIFETIME, days(6), 1.0), "give both a length"),
        (lambda: surge(modal_share(count(), per=_.asset), days(1), days(6), 1.0), "cannot be of groups"),
        (lambda: value(surge(count(), days(7), days(6), 1.0)), "requires a wider one"),
        (lambda: value(surge(count(), days(1), days(6), 1.0), delay=days(1)), "no delay"),
        (lambda: value(surge(count(), days(1), days(6), 1.0), window=THE_EVENT), "requires a wider one"),
    ],
    ids=["no length", "groups", "a window no wider than the recent part", "a delay", "the event"],
)
def test_what_a_surge_cannot_be_is_refused(made: Callable[[], object], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        made()
