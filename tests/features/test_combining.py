"""Combined aggregates against values computed by hand, and what they say where too little happened."""

import math
from typing import Any

import pandas as pd
import pytest
from ibis import _

from features.activity.snapshot import Activity
from features.catalogue import Feature
from features.combining import at_least, modal_share, product, surge, trough
from features.errors import Invalid
from features.facts.flows import FLOWS
from features.pipeline import build_vectors
from features.vocabulary import DAY_US, LIFETIME, Aggregate, count, days, hours, largest, mean, total, usd

T = pd.Timestamp("2025-05-08T00:00:00Z")
# hours before T and USD of each deposit: two of 10, one of 20 on other days than one of 40
DEPOSITS = [(12, 10.0), (14, 10.0), (36, 20.0), (60, 40.0)]


def value(aggregate: Aggregate, **changes: Any) -> float:
    """The aggregate over the deposits."""
    rows = pd.DataFrame(
        {
            "transfer_id": [f"x{n}" for n in range(len(DEPOSITS))],
            "account_id": "A",
            "ts": [T - pd.Timedelta(hours=before) for before, _usd in DEPOSITS],
            "direction": "deposit",
            "asset": "USDT",
            "amount": [amount for _before, amount in DEPOSITS],
            "amount_usd": [amount for _before, amount in DEPOSITS],
            "counterparty_type": "exchange",
        }
    )
    people = pd.DataFrame(
        {
            "account_id": ["A"],
            "created_at": T - pd.Timedelta(days=9),
            "kind": "retail",
            "country": "ZZ",
            "market_maker": False,
        }
    )
    feature = Feature("value", FLOWS, aggregate, days(7), "ratio", "is the value", "4.4", **changes)
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
def test_the_trough_is_the_smallest_of_enough_groups(of: int, expected: float) -> None:
    by_day = (_.as_of - 1 - _.ts) // DAY_US
    assert value(trough(largest(_.amount // 1_000_000, fill=99.0), per=by_day, of=of)) == expected


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        # lately 20 USD in 24 hours; before, 60 USD since 60 hours ago: 40 a day
        (surge(usd(total(_.amount)), days(1), least=0.0), 1.0),
        # lately two deposits in 16 hours; before, two since 60 hours ago: 8 / 11 in as much time
        (surge(count(), hours(16), least=0.0), 2 / (2 / (44 / 16))),
        (surge(count(), hours(16), least=1.0), 3 / (1 + 2 / (44 / 16))),
        (surge(usd(largest(_.amount)), hours(40), least=0.0, adds_up=False), 1.0),
        (surge(usd(largest(-_.amount)), hours(40), least=50.0, adds_up=False), (50 - 10) / (50 - 40)),
    ],
    ids=["not above", "of a count", "with least", "not above, of the largest", "of the largest"],
)
def test_a_surge_is_how_often_the_usual_fits_into_what_happened_lately(aggregate: Aggregate, expected: float) -> None:
    assert value(aggregate) == pytest.approx(expected)


def test_without_a_past_nobody_knows_what_is_usual() -> None:
    assert math.isnan(value(surge(count(), days(3), least=1.0)))
    assert math.isnan(value(surge(count(), days(1), least=1.0), where=_.amount > 100_000_000))


def test_a_surge_wants_a_length() -> None:
    with pytest.raises(Invalid, match="give it a length"):
        surge(count(), LIFETIME, least=1.0)
