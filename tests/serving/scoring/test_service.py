"""Which suspicions are a case that somebody looks at already, and which need a case of their own."""

from dataclasses import replace

import pandas as pd
import pytest

from features.activity.snapshot import Activity
from features.pipeline import Features
from serving.policy.evaluation import evaluate
from serving.policy.terms import Severity
from serving.reviews.model import Review
from serving.reviews.opening import CaseCandidate, Run, build_reviews
from serving.reviews.store import ReviewLog
from serving.scoring.service import open_review_of
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
