"""Which suspicions are a case that somebody looks at already, and which need a case of their own."""

from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from features.activity.snapshot import Activity
from features.kernel.moments import text_of
from features.pipeline import Features
from serving.policy.evaluation import evaluate
from serving.policy.terms import Severity
from serving.reviews.model import Review
from serving.reviews.opening import CaseCandidate, Run, build_reviews
from serving.reviews.store import ReviewLog
from serving.scoring.service import asking, open_review_of
from serving.storage import Database
from tests.serving.cases import NOW, plain_review
from tests.serving.policy.fields import POLICY

MEMBERS = tuple(f"m{number}" for number in range(6))
STANDING = replace(plain_review("standing", Severity.MEDIUM, NOW), accounts=MEMBERS)


@pytest.mark.parametrize(
    ("suspicion", "stands"),
    [
        pytest.param(STANDING, True, id="the same"),
        pytest.param(replace(STANDING, severity=Severity.LOW), True, id="a weaker one"),
        pytest.param(replace(STANDING, severity=Severity.HIGH), False, id="a graver one"),
        pytest.param(replace(STANDING, typology="another"), False, id="of something else"),
        pytest.param(replace(STANDING, accounts=MEMBERS[:2]), True, id="of some of them"),
        pytest.param(replace(STANDING, accounts=(*MEMBERS, "n0", "n1", "n2")), True, id="a group grown by half"),
        pytest.param(replace(STANDING, accounts=(*MEMBERS, "n0", "n1", "n2", "n3")), False, id="grown by more"),
        pytest.param(replace(STANDING, accounts=("n0",)), False, id="of somebody else"),
        pytest.param(replace(STANDING, accounts=(*MEMBERS[1:], "n0")), False, id="one left and one came"),
    ],
)
def test_a_case_stands_for_what_is_no_graver_and_for_a_group_that_only_grows(
    database: Database, suspicion: Review, stands: bool
) -> None:
    with database.transaction() as transaction:
        assert ReviewLog(transaction).open(STANDING)
        assert open_review_of(transaction, suspicion) == (STANDING.review_id if stands else None)


def linked_trades(symbol_volume_share: float) -> CaseCandidate:
    """Two accounts that traded with each other, so large a part of the market."""
    measures = {"trades": 6, "lift": 6.0, "own_volume_share": 1.0, "volume_usd": 12_000.0, "market_makers": 0}
    measures |= {"members": 2, "own_trades": 0, "declared": False, "symbol_volume_share": symbol_volume_share}
    started_at = int(NOW.timestamp() * 1e6)
    episode = {"pattern": "linked_trades", "symbol": "VELAUSDT", "started_at": started_at, "measures": measures}
    episode |= {"ended_at": started_at}
    episode |= {"evidence": [], "evidence_total": 6, "links": []}
    return CaseCandidate(("a", "b"), evaluate(POLICY, "linked_trades", measures).hits, episode)


def test_what_turns_out_graver_on_the_same_day_is_opened_too_and_only_once(database: Database) -> None:
    accounts = pd.DataFrame(
        {"account_id": ["a", "b"], "created_at": NOW, "kind": "retail", "country": "ZZ", "market_maker": False}
    )
    features = Features(Activity.from_frames({"accounts": accounts}))
    run = Run(NOW, NOW, features, pd.DataFrame({"account_id": ["a", "b"]}), {}, {}, POLICY)
    high, critical, again = build_reviews(run, [linked_trades(0.01), linked_trades(0.06), linked_trades(0.06)])
    assert (high.severity, critical.severity) == (Severity.HIGH, Severity.CRITICAL)
    with database.transaction() as transaction:
        assert ReviewLog(transaction).open(high)
        assert open_review_of(transaction, critical) is None
        assert ReviewLog(transaction).open(critical)
        assert not ReviewLog(transaction).open(again)
        assert open_review_of(transaction, again) == critical.review_id


class Recorded:
    """Features that only say from when episodes are asked for."""

    def __init__(self) -> None:
        self.activity, self.since = SimpleNamespace(version="8"), list[datetime]()

    def episodes(self, since: datetime, _as_of: datetime) -> list[Any]:
        """Nothing."""
        self.since.append(since)
        return []


@pytest.mark.parametrize(
    ("last", "days"),
    [
        pytest.param(None, 7, id="the first run"),
        pytest.param(("8", 1), 1, id="a day after the last run"),
        pytest.param(("8", 10), 10, id="ten days after it"),
        pytest.param(("7", 1), 7, id="an import and a day after it"),
        pytest.param(("7", 10), 10, id="an import and ten days after it"),
    ],
)
def test_no_day_between_two_runs_is_left_out(last: tuple[str, int] | None, days: int) -> None:
    features: Any = Recorded()
    before = {"lake_version": last[0], "as_of": text_of(NOW - timedelta(days=last[1]))} if last else None
    assert asking(features, POLICY, [], NOW, before) == []
    assert features.since == [NOW - timedelta(days=days)]
