"""Which suspicions are a case that somebody looks at already, and which need a case of their own."""

from dataclasses import replace

import pytest

from serving.policy.terms import Severity
from serving.reviews.case import Review
from serving.storage import Database
from serving.workflows.score_accounts import review_standing_for
from tests.serving.cases import NOW, plain_review

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
        assert transaction.reviews.open(STANDING)
        assert review_standing_for(transaction, suspicion) == (STANDING.review_id if stands else None)
