"""Tests of what labels say about rows."""

import pandas as pd

from models.parameters import SHIPPED
from models.targets import confirmed_rows, first_known_mate, groups_of, known_findings, row_target
from models.violations.typology import draw_sample
from tests.models.toy import START, labels_of

LATER = START + pd.Timedelta(days=7)


def rows(*accounts: str, events: list[str | None] | None = None) -> pd.DataFrame:
    frame = pd.DataFrame([{"account_id": account, "as_of": as_of} for account in accounts for as_of in (START, LATER)])
    return frame if events is None else frame.assign(event_id=pd.Series(events, dtype="object"))


def findings(*labels: dict[str, object], until: pd.Timestamp | None = None) -> pd.DataFrame:
    return known_findings(labels_of(*labels), until)


def test_an_account_is_positive_from_its_onset_on_and_always_without_one() -> None:
    found = findings({"account_id": "a", "onset": START + pd.Timedelta(days=1)}, {"account_id": "b"})
    target = row_target(rows("a", "b"), found, "wash_trading")
    assert target.positive.tolist() == [False, True, True, True]
    assert target.unlabelled.tolist() == [True, False, False, False]


def test_a_finding_with_an_onset_is_settled_a_week_after_it_was_known() -> None:
    onset, known = START - pd.Timedelta(days=9), START - pd.Timedelta(days=1)
    found = findings({"account_id": "a", "onset": onset, "known_at": known}, {"account_id": "b", "known_at": known})
    target = row_target(rows("a", "b"), found, "wash_trading")
    assert target.positive.tolist() == [True, False, True, True]
    assert target.settled.tolist() == [False, True, False, False]
    assert not target.unlabelled.any()
    assert row_target(rows("a"), found, "wash_trading", finding_days=9.0).positive.all()


def test_of_two_findings_the_later_one_still_speaks() -> None:
    early = {"account_id": "a", "onset": START - pd.Timedelta(days=40), "known_at": START - pd.Timedelta(days=30)}
    late = {"account_id": "a", "onset": START - pd.Timedelta(days=3), "known_at": START, "event_id": "e9"}
    both = findings(early, late)
    assert row_target(rows("a"), both, "wash_trading").positive.all()
    between = rows("a").assign(as_of=START - pd.Timedelta(days=10))
    assert row_target(between, both, "wash_trading").settled.all(), "no finding speaks of the time between them"


def test_a_settled_finding_is_neither_learned_nor_tested() -> None:
    found = findings({"account_id": "a", "onset": START - pd.Timedelta(days=9), "known_at": START})
    target = row_target(rows("a", "b"), found, "wash_trading", finding_days=1.0)
    sample = draw_sample(target, rows("a", "b")["account_id"].to_numpy(), SHIPPED.violations, 7)
    assert target.settled.tolist() == [False, True, False, False]
    assert sample.rows.tolist() == [0, 2, 3]


def test_a_label_known_after_the_cut_off_says_nothing() -> None:
    found = findings({"account_id": "a", "known_at": LATER}, until=START)
    assert found.empty
    assert row_target(rows("a"), found, "wash_trading").unlabelled.all()


def test_the_newest_finding_holds_and_an_appeal_is_remembered() -> None:
    found = findings(
        {"account_id": "a"}, {"account_id": "a", "finding": "cleared", "source": "appeal", "known_at": LATER}
    )
    target = row_target(rows("a"), found, "wash_trading")
    assert target.negative.all()
    assert target.overturned.all()


def test_an_inconclusive_review_leaves_the_account_unlabelled() -> None:
    found = findings({"account_id": "a"}, {"account_id": "a", "finding": "inconclusive", "known_at": LATER})
    assert row_target(rows("a"), found, "wash_trading").unlabelled.all()


def test_another_typology_says_nothing() -> None:
    found = findings({"account_id": "a", "typology": "spoofing"})
    assert row_target(rows("a"), found, "wash_trading").unlabelled.all()
    assert confirmed_rows(rows("a", "b"), found).tolist() == [True, True, False, False]


def test_a_finding_about_an_event_speaks_of_the_row_that_judges_it() -> None:
    found = findings({"account_id": "a", "event_id": "e1"}, {"account_id": "a", "event_id": "e2", "finding": "cleared"})
    of_events = row_target(rows("a", "b", events=["e1", "e2", "e3", None]), found, "wash_trading")
    assert of_events.positive.tolist() == [True, False, False, False]
    assert of_events.negative.tolist() == [False, True, False, False]
    assert row_target(rows("a"), found, "wash_trading").positive.all()


def test_members_of_a_ring_stay_together() -> None:
    found = findings({"account_id": "a", "group_id": "r"}, {"account_id": "b", "group_id": "r"}, {"account_id": "c"})
    groups = groups_of(rows("a", "b", "c", "r"), found)
    assert len(set(groups[:4])) == 1
    assert len(set(groups)) == 3


def test_no_labels_are_fine() -> None:
    found = known_findings(labels_of(), None)
    assert row_target(rows("a"), found, "wash_trading").unlabelled.all()


def test_a_ring_is_known_from_the_first_finding_about_another_member() -> None:
    found = findings(
        {"account_id": "a", "group_id": "ring", "known_at": START},
        {"account_id": "b", "group_id": "ring", "known_at": LATER},
        {"account_id": "c", "known_at": START},
        {"account_id": "d", "group_id": "alone", "known_at": START},
    )
    first = first_known_mate(found)
    assert first.to_dict() == {"a": LATER.value / 1_000, "b": START.value / 1_000}
