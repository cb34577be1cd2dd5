"""Windows can look along another key than the account, back by a delay, or at the judged event alone."""

import pandas as pd
import pytest
from ibis import _

from features.activity.snapshot import Activity
from features.catalogue import Feature
from features.evidence import feature_evidence
from features.facts.flows import FLOWS
from features.kernel.errors import Invalid
from features.pipeline import build_vectors
from features.vocabulary.aggregates import LIFETIME, THE_EVENT, count, days, distinct, total, usd

DAY = pd.Timedelta(days=1)
START = pd.Timestamp("2025-05-01T00:00:00Z")
ROWS = [  # transfer, account, days after the start, address, amount
    ("x1", "ann", 1.0, "shop", 10.0),
    ("x2", "bob", 2.0, "shop", 20.0),
    ("x3", "bob", 9.0, "shop", 40.0),
    ("x4", "ann", 10.0, "bank", 80.0),
    ("x5", "ann", 11.0, "shop", 160.0),
]
AT_SHOP = Feature("at_shop", FLOWS, count(), days(30), "count", "payments there", "4.4", key=_.other)
PAYERS = Feature("payers", FLOWS, distinct(_.row_account_id), LIFETIME, "count", "payers there", "4.4", key=_.other)
WEEK_AGO = Feature(
    "week_ago", FLOWS, count(), days(7), "count", "payments there a week ago", "4.4", key=_.other, delay=days(7)
)
OWN_BEFORE = Feature("own_before", FLOWS, usd(total(_.amount)), days(5), "usd", "before", "4.4", delay=days(5))
OWN = Feature("own", FLOWS, usd(total(_.amount)), THE_EVENT, "usd", "itself", "4.4")


@pytest.fixture(scope="module")
def payments() -> Activity:
    transfers = pd.DataFrame(ROWS, columns=["transfer_id", "account_id", "day", "address", "amount_usd"])
    transfers["ts"] = START + transfers.pop("day") * DAY
    transfers = transfers.assign(
        direction="withdrawal", asset="USD", amount=transfers["amount_usd"], counterparty_type="unknown"
    )
    people = pd.DataFrame({"account_id": ["ann", "bob", "cid"], "created_at": START, "kind": "retail"})
    return Activity.from_frames({"transfers": transfers, "accounts": people.assign(country="ZZ", market_maker=False)})


def judged(payments: Activity, *rows: tuple[str, float, str | None]) -> pd.DataFrame:
    spine = pd.DataFrame(
        [(account, START + day * DAY, event) for account, day, event in rows],
        columns=["account_id", "as_of", "event_id"],
    )
    return build_vectors(payments, spine, [AT_SHOP, PAYERS, WEEK_AGO, OWN_BEFORE, OWN])


def test_a_key_is_taken_from_the_judged_event(payments: Activity) -> None:
    values = judged(payments, ("ann", 11.0, "x5"), ("ann", 10.0, "x4"))
    assert values["at_shop"].tolist() == [3.0, 0.0]
    assert values["payers"].tolist() == [2.0, 0.0]


def test_a_key_is_taken_from_the_newest_row_where_no_event_is_named(payments: Activity) -> None:
    values = judged(payments, ("ann", 10.5, None), ("ann", 9.5, None), ("bob", 9.5, None))
    assert values["at_shop"].tolist() == [1.0, 3.0, 3.0]


def test_an_account_without_a_key_gets_the_fill(payments: Activity) -> None:
    assert judged(payments, ("cid", 12.0, None), ("ann", 0.5, None))["at_shop"].tolist() == [0.0, 0.0]


def test_rows_along_a_key_keep_the_account_of_the_spine(payments: Activity) -> None:
    assert judged(payments, ("ann", 11.0, "x5"))["account_id"].tolist() == ["ann"]


def test_a_delay_shifts_both_ends_of_the_window(payments: Activity) -> None:
    """At 16 days the delayed week is [2, 9): the row at 2 is in, that at 9 is not; a moment later the reverse."""
    later = 16.0 + 1e-9
    values = judged(payments, ("bob", 9.0, "x3"), ("bob", 8.0, None), ("ann", 16.0, "x5"), ("ann", later, "x5"))
    assert values["week_ago"].tolist() == [1.0, 0.0, 1.0, 1.0]
    assert values["own_before"].tolist() == [20.0, 20.0, 80.0, 240.0]


def test_the_judged_event_is_seen_as_it_happens_and_no_other_is(payments: Activity) -> None:
    values = judged(payments, ("ann", 11.0, "x5"), ("ann", 11.0, "x3"), ("ann", 11.0, None), ("ann", 10.5, "x5"))
    assert values["own"].tolist() == [160.0, 0.0, 0.0, 0.0]


def test_the_evidence_of_a_keyed_feature_is_the_rows_along_the_key(payments: Activity) -> None:
    shown = feature_evidence(payments, AT_SHOP, "bob", START + 10 * DAY)
    assert shown.rows["row_id"].tolist() == ["x3", "x2", "x1"]


def test_a_delay_without_length_is_refused() -> None:
    with pytest.raises(Invalid, match="delayed by lifetime"):
        Feature("never", FLOWS, count(), days(7), "count", "never", "4.4", delay=LIFETIME)
    with pytest.raises(Invalid, match="neither key nor delay"):
        Feature("never", FLOWS, count(), THE_EVENT, "count", "never", "4.4", key=_.other)
