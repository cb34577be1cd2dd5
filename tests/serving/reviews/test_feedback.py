"""Closed reviews as labels: what was found, since when it is known, and nothing twice."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.activity.importing import Import
from features.home import Home
from features.kernel.errors import Conflict, Invalid
from features.kernel.progress import silent
from features.labels import read_labels
from serving.policy.terms import Severity
from serving.reviews.closing import close_review
from serving.reviews.feedback import LEARNED, feed_back
from serving.reviews.lifecycle import Changes, EventKind, ReviewEvent
from serving.reviews.model import Finding, Review, ReviewStatus
from serving.reviews.store import ReviewLog
from serving.storage import Database
from tests.serving.cases import NOW, RING, plain_review, ring_review

LATER = NOW + timedelta(days=3)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that knows the accounts of the cases."""
    accounts = {"account_id": list(RING), "created_at": NOW - timedelta(days=99), "kind": "retail", "country": "ZZ"}
    folder = tmp_path / "activity"
    folder.mkdir()
    pd.DataFrame({**accounts, "market_maker": False}).to_parquet(folder / "accounts.parquet")
    home = Home(tmp_path / "home")
    Import(home.lake, home.quarantine, NOW, silent).folder(folder)
    return home


def opened(database: Database, *reviews: Review) -> None:
    with database.transaction() as transaction:
        for review in reviews:
            assert ReviewLog(transaction).open(review)


def drawn(review_id: str, way: str = "random") -> Review:
    return replace(
        plain_review(review_id, Severity.LOW, NOW),
        accounts=RING[:1],
        typology="unknown_anomaly",
        selection={"way": way, "probability": 0.01},
    )


def test_a_closed_ring_becomes_one_label_a_member_known_from_when_it_was_closed(database: Database, home: Home) -> None:
    opened(database, ring_review(), plain_review("open", Severity.LOW, NOW))
    close_review(database, "rev_flock", Finding.CONFIRMED, "ria", LATER)
    done = feed_back(database, home, LATER, silent)
    found = read_labels(home.lake)
    assert (done.closed, done.added, done.random_sample, done.share) == (1, 6, 0, None)
    assert set(found["account_id"]) == set(RING)
    assert set(found["typology"]) == {"position_limit_evasion"}
    assert set(found["source"]) == {"review"}
    assert set(found["group_id"]) == {"rev_flock"}
    assert set(found["known_at"]) == {pd.Timestamp(LATER)}
    assert set(found["onset"]) == {pd.Timestamp(min(row.ts for row in ring_review().evidence))}
    assert feed_back(database, home, LATER, silent).added == 0


def test_an_upheld_appeal_is_a_later_label_of_its_own(database: Database, home: Home) -> None:
    opened(database, ring_review())
    close_review(database, "rev_flock", Finding.CONFIRMED, "ria", NOW)
    with database.transaction() as transaction:
        changes = Changes(status=ReviewStatus.APPEALED)
        ReviewLog(transaction).record(ReviewEvent("rev_flock", 3, EventKind.DECIDED, NOW, "holder", changes))
    with pytest.raises(Conflict, match="another person"):
        close_review(database, "rev_flock", Finding.CLEARED, "ria", LATER)
    close_review(database, "rev_flock", Finding.CLEARED, "ada", LATER)
    assert feed_back(database, home, LATER, silent).added == 12, "what was found first was known until then"
    found = read_labels(home.lake)
    assert found.groupby("source")["finding"].unique().map(list).to_dict() == {
        "appeal": ["cleared"],
        "review": ["confirmed"],
    }


def test_a_drawn_account_that_is_cleared_is_cleared_of_what_nothing_is_known_of(database: Database, home: Home) -> None:
    opened(database, replace(ring_review(), accounts=RING[:1], coordinated=False), drawn("lot"))
    close_review(database, "rev_flock", Finding.CONFIRMED, "ria", NOW)
    close_review(database, "lot", Finding.CLEARED, "ria", LATER)
    done = feed_back(database, home, LATER, silent)
    found = read_labels(home.lake).set_index("typology")["finding"]
    assert found.pop("position_limit_evasion") == "confirmed", "what was found once stands"
    assert set(found) == {"cleared"}
    assert set(found.index) == set(LEARNED) - {"position_limit_evasion"}
    assert (done.random_sample, done.confirmed) == (1, 0)
    assert done.share is not None


def test_a_drawn_account_of_which_nothing_came_out_is_cleared_of_nothing(database: Database, home: Home) -> None:
    opened(database, drawn("lot"))
    close_review(database, "lot", Finding.INCONCLUSIVE, "ria", LATER)
    done = feed_back(database, home, LATER, silent)
    assert read_labels(home.lake)[["typology", "finding"]].to_numpy().tolist() == [["unknown_anomaly", "inconclusive"]]
    assert (done.random_sample, done.share) == (0, None)


def test_a_drawn_account_is_confirmed_of_something_only(database: Database, home: Home) -> None:
    opened(database, drawn("lot", "novel"))
    with pytest.raises(Invalid, match="say with a typology"):
        close_review(database, "lot", Finding.CONFIRMED, "ria", LATER)
    with pytest.raises(Invalid, match="no typology 'theft'"):
        close_review(database, "lot", Finding.CONFIRMED, "ria", LATER, "theft")
    with pytest.raises(Invalid, match="for a confirmed case only"):
        close_review(database, "lot", Finding.CLEARED, "ria", LATER, "spoofing")
    assert close_review(database, "lot", Finding.CONFIRMED, "ria", LATER, "spoofing").typology == "spoofing"
    done = feed_back(database, home, LATER, silent)
    assert read_labels(home.lake)[["typology", "onset"]].to_numpy().tolist() == [
        ["spoofing", pd.Timestamp(drawn("lot").opened_at) - pd.Timedelta(days=7)]
    ]
    assert done.random_sample == 0, "only those drawn from all accounts estimate how many violate"
    with pytest.raises(Conflict, match="closed already"):
        close_review(database, "lot", Finding.CLEARED, "ria", LATER)


def test_accounts_of_closed_reviews_may_be_drawn_again(database: Database) -> None:
    opened(database, ring_review(), plain_review("plain", Severity.LOW, NOW))
    close_review(database, "rev_flock", Finding.CLEARED, "ria", LATER)
    with database.reading() as transaction:
        assert ReviewLog(transaction).accounts_under_review() == set(plain_review("plain", Severity.LOW, NOW).accounts)
