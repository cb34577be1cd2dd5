"""The commands of the review desk, and the scoring that fills it."""

import shutil
from pathlib import Path

from features.home import Home
from features.kernel.moments import moment_of, text_of
from serving.commands.start import database_of, settings_of
from serving.reviews.store import ReviewLog
from serving.scoring.store import LAST_RUN
from serving.storage.service_state import ServiceState
from tests.commands.calling import AS_OF, Call
from tests.serving.cases import drawn_review, ring_review


def test_draws_can_be_asked_for_and_left_out(call: Call, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with database_of(settings_of(home)).transaction() as transaction:
        ReviewLog(transaction).open(drawn_review("rev_lot"))
    drawn = call("reviews", "list", "--drawn", "--home", str(home), "--json").document["reviews"]
    assert [review["review_id"] for review in drawn] == ["rev_lot"]
    assert "No review matches." in call("reviews", "list", "--not-drawn", "--home", str(home)).out


def test_a_case_is_told_with_its_reasons_and_links(call: Call, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with database_of(settings_of(home)).transaction() as transaction:
        ReviewLog(transaction).open(ring_review())
    said = call("reviews", "show", "rev_flock", "--home", str(home))
    assert said.code == 0
    for told in ("from -3.400 to 1.130", "withdrawal_address", "links", "proposed:"):
        assert told in said.out


def test_rules_score_without_models_and_their_reviews_are_listed_and_shown(
    call: Call, exchange_home: Home, tmp_path: Path
) -> None:
    home = str(tmp_path / "home")
    shutil.copytree(exchange_home.folder, home)
    scored = call("score", "--as-of", AS_OF, "--home", home, "--json").document
    assert scored["reviews_opened"]
    again = call("score", "--as-of", AS_OF, "--home", home, "--json").document
    assert again["reviews_opened"] == []
    for run in (scored, again):
        assert len(set(run["reviews_known"])) == len(run["reviews_known"])
        assert not set(run["reviews_known"]) & set(run["reviews_opened"])
    listed = call("reviews", "list", "--home", home, "--json").document
    assert {review["review_id"] for review in listed["reviews"]} == set(scored["reviews_opened"])
    page = call("reviews", "list", "--page-size", "1", "--home", home, "--json").document
    assert (len(page["reviews"]), bool(page["next_page_token"])) == (1, len(listed["reviews"]) > 1)
    shown = call("reviews", "show", scored["reviews_opened"][0], "--home", home, "--json").document
    assert shown["review_id"] == scored["reviews_opened"][0]
    for asked in (("reviews", "list"), ("reviews", "show", scored["reviews_opened"][0]), ("status",)):
        assert call(*asked, "--home", home).code == 0
    assert call("status", "--home", home, "--json").document["scored_accounts"] == scored["accounts"]
    with database_of(settings_of(Path(home))).transaction() as transaction:
        run = dict(ServiceState(transaction).get(LAST_RUN) or {})
        ServiceState(transaction).put(LAST_RUN, run | {"as_of": "2999-01-01T00:00:00Z"}, moment_of(AS_OF))
    assert "has not come" in call("score", "--as-of", AS_OF, "--home", home, "--json").document["notes"][-1]
    with database_of(settings_of(Path(home))).reading() as transaction:
        last = ServiceState(transaction).get(LAST_RUN) or {}
    assert last["as_of"] == text_of(moment_of(AS_OF))
