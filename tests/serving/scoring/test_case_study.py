"""The case of clause 8 from import to answer: what rules start, on whom, until when, and what the holder is told."""

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from features.activity.importing import Import
from features.home import Home
from features.kernel.progress import silent
from models.registry.registry import Registry
from serving.commands.rulebook import load_policy
from serving.decisions.accounts import measures_document
from serving.decisions.request import DecisionRequest
from serving.decisions.service import DecisionResponse, Incoming, answer_all
from serving.intake.service import Recording
from serving.measures.service import of_review
from serving.reviews.closing import close_review
from serving.reviews.model import Finding, Review
from serving.reviews.store import ReviewLog
from serving.scoring.service import ScoringReport, score_accounts
from serving.storage import Database
from tests.flock import AS_OF, BURST, RING, write_flock

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SCORED = AS_OF + MINUTE
FREE = "monitor"
"""What an account without restrictions gets where no model scores."""
POLICY = load_policy()


class Case:
    """A home with the activity of the case, scored by the rules alone."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.home, self.database, self.policy = Home(folder), database, POLICY
        self.registry = Registry(f"sqlite:///{folder}/mlflow.db", folder / "artifacts")

    def imported(self) -> None:
        """Imports the activity."""
        lake, quarantine = self.home.lake, self.home.quarantine
        recording = Recording(lake, self.database, AS_OF)
        importing = Import(lake, quarantine, AS_OF, silent, before_pinning=recording, as_history=True)
        importing.folder(write_flock(self.home.folder / "export"))

    def scored(self, now: datetime, as_of: datetime = AS_OF) -> ScoringReport:
        """Scores at a moment while the clock shows another."""
        return score_accounts(as_of, self.home.lake, self.registry, self.policy, self.database, silent, now)

    def answer(self, account: str, now: datetime, action: str = "withdrawal", **named: Any) -> dict[str, Any]:
        """The answer to a request."""
        named = named or {"amount_usd": Decimal(10), "address": "addr-1"}
        request = DecisionRequest(account, action, now, **named)
        key = f"{account}-{action}-{now.isoformat()}-{named}"
        (result,) = answer_all(self.database, self.policy, [Incoming(request, "c", key, f"dec-{key}", now)])
        assert isinstance(result, DecisionResponse)
        body: dict[str, Any] = orjson.loads(result.body)
        return body

    def reviews(self) -> tuple[Review, ...]:
        """The queue."""
        with self.database.reading() as transaction:
            return ReviewLog(transaction).list().rows


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The home with the activity, and two databases: before it was scored, and after."""
    folder = tmp_path_factory.mktemp("case")
    database = Database(f"sqlite:///{folder / 'unscored.db'}")
    database.migrate()
    case = Case(folder / "exchange", database)
    case.imported()
    database.close()
    shutil.copy(folder / "unscored.db", folder / "scored.db")
    scored = Database(f"sqlite:///{folder / 'scored.db'}")
    Case(folder / "exchange", scored).scored(SCORED)
    scored.close()
    return {name: folder / name for name in ("exchange", "unscored.db", "scored.db")}


@pytest.fixture
def unscored(folders: dict[str, Path], tmp_path: Path) -> Iterator[Case]:
    """The case before it is scored."""
    yield from copied(folders, "unscored.db", tmp_path)


@pytest.fixture
def case(folders: dict[str, Path], tmp_path: Path) -> Iterator[Case]:
    """The case, scored a minute after it was judged."""
    yield from copied(folders, "scored.db", tmp_path)


def copied(folders: dict[str, Path], name: str, tmp_path: Path) -> Iterator[Case]:
    """The case with a copy of a database."""
    shutil.copy(folders[name], tmp_path / "mscore.db")
    database = Database(f"sqlite:///{tmp_path / 'mscore.db'}")
    yield Case(folders["exchange"], database)
    database.close()


def test_holds_begin_at_once_on_the_ring_and_on_nobody_else(case: Case) -> None:
    now = SCORED
    (review,) = [review for review in case.reviews() if review.typology == "position_limit_evasion"]
    assert (review.accounts, review.opened_at, review.as_of) == (RING, now, AS_OF)
    assert review.happened_at is not None
    assert timedelta(0) < review.happened_at - BURST < timedelta(seconds=1)
    for account in RING:
        measures = measures_document(case.database, account, now)["measures"]
        assert {(m["measure"], m["scope"], m["clause"]) for m in measures} == {
            ("withdrawal_hold", "account", "6"),
            ("close_only", "FLOCKUSDT", "6"),
        }
        assert all(m["ends_at"] == "2025-05-31T03:13:00.000000Z" for m in measures)
    others = ["B1", *(f"B{number}" for number in range(10, 70))]
    assert not any(measures_document(case.database, account, now)["measures"] for account in others)


def test_the_case_names_the_measures_that_rest_on_it(case: Case) -> None:
    review_id = next(review.review_id for review in case.reviews() if review.typology == "position_limit_evasion")
    with case.database.reading() as transaction:
        now, over = (of_review(transaction, review_id, SCORED + after) for after in (MINUTE, DAY))
    assert (len(now), {m.state.value for m in now}, {m.state.value for m in over}) == (12, {"in_force"}, {"lapsed"})


def test_the_answers_say_hold_and_what_the_holder_may_know(case: Case) -> None:
    now = SCORED
    held = case.answer("A1", now + MINUTE)
    assert (held["outcome"], held["review_id"]) == ("hold", case.reviews()[0].review_id)
    assert held["holder_message"].startswith("A restriction applies to your account")
    opening = {"product": "perp", "symbol": "FLOCKUSDT", "effect": "open"}
    assert case.answer("A1", now + MINUTE, "order", **opening)["outcome"] == "block"
    assert case.answer("A1", now + MINUTE, "order", **(opening | {"effect": "close"}))["outcome"] != "block"
    assert case.answer("A1", now + MINUTE, "order", **(opening | {"symbol": "BTCUSDT"}))["outcome"] != "block"
    assert case.answer("B1", now + MINUTE)["outcome"] == FREE


@pytest.mark.parametrize(
    ("after", "outcome"), [(DAY - timedelta(seconds=1), "hold"), (DAY, FREE), (DAY + MINUTE, FREE)]
)
def test_a_hold_ends_by_itself_to_the_second(case: Case, after: timedelta, outcome: str) -> None:
    assert case.answer("A1", SCORED + after)["outcome"] == outcome
    automatic = measures_document(case.database, None, SCORED + after)["automatic"]
    assert (automatic["ended_unreviewed"], automatic["alarm"]) == ((12, True) if outcome == FREE else (0, False))


def test_scoring_again_starts_nothing_again(case: Case) -> None:
    later = AS_OF + timedelta(hours=20)
    assert case.scored(later, later).measures_started == 0
    assert case.answer("A1", SCORED + DAY)["outcome"] == FREE


def test_a_case_that_is_cleared_ends_what_it_started(case: Case) -> None:
    (review,) = [review for review in case.reviews() if review.typology == "position_limit_evasion"]
    close_review(case.database, review.review_id, Finding.CLEARED, "ria", SCORED + MINUTE)
    assert case.answer("A1", SCORED + 2 * MINUTE)["outcome"] == FREE
    assert measures_document(case.database, None, SCORED + 2 * MINUTE)["automatic"]["ended_unreviewed"] == 0


def late(case: Case) -> ScoringReport:
    return case.scored(AS_OF + timedelta(hours=27))


def long_after(case: Case) -> ScoringReport:
    return case.scored(AS_OF + timedelta(days=3), AS_OF + timedelta(days=3))


@pytest.mark.parametrize("scored", [late, long_after], ids=["back-dated", "three days after it happened"])
def test_a_look_at_the_past_opens_the_case_and_starts_nothing(
    unscored: Case, scored: Callable[[Case], ScoringReport]
) -> None:
    done = scored(unscored)
    assert [review.accounts for review in unscored.reviews() if review.typology == "position_limit_evasion"] == [RING]
    assert done.measures_started == 0
    assert any("Back-dated" in note for note in done.notes) == (scored is late)
