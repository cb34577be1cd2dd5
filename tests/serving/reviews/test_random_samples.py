"""Which accounts are drawn although nothing calls them suspicious, and what a reviewer reads about it."""

from collections import Counter
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.activity.snapshot import Activity
from features.pipeline import Features
from serving.policy.terms import Severity
from serving.record.model import Scores
from serving.reviews.opening import CaseCandidate, Run, build_reviews
from serving.reviews.random_samples import SampledAccount, sampled_accounts
from tests.serving.cases import NOW
from tests.serving.policy.fields import POLICY

SIZE = 400
ACCOUNTS = [f"a{number:03}" for number in range(SIZE)]


def vectors(hour: int = 0) -> pd.DataFrame:
    """Accounts of which every fourth was not active."""
    moment = pd.Timestamp(NOW) + pd.Timedelta(hours=hour)
    active = np.arange(SIZE) % 4 > 0
    return pd.DataFrame(
        {"account_id": ACCOUNTS, "as_of": moment, "active_days_30d": active * 3.0, "kyc_level": np.arange(SIZE) % 3}
    )


def scores() -> dict[str, Scores]:
    """The first are the likeliest violators, the last the most unusual."""
    return {
        account: Scores(100 * place / SIZE, 0.5, {"spoofing": 1 - place / SIZE}, 500.0)
        for place, account in enumerate(ACCOUNTS)
    }


def test_a_tenth_of_all_reviews_is_drawn_in_three_ways() -> None:
    found = list(sampled_accounts(vectors(), scores(), (), 180))
    assert Counter(draw.method for draw in found) == {"random": 10, "disagreement": 6, "novel": 4}
    assert len({draw.account for draw in found}) == 20
    assert not list(sampled_accounts(vectors(), scores(), (), 8)), "of few reviews none is spent on it"


def test_whoever_is_suspected_or_idle_is_not_drawn() -> None:
    suspected = set(ACCOUNTS[:350])
    found = {draw.account for draw in sampled_accounts(vectors(), scores(), suspected, 90)}
    assert found
    assert not found & suspected
    assert all(int(account[1:]) % 4 for account in found)


def test_the_same_moment_draws_the_same_and_another_moment_others() -> None:
    first, again, later = (list(sampled_accounts(vectors(hour), scores(), (), 90)) for hour in (0, 0, 1))
    assert first == again
    assert first != later


def test_what_leads_the_models_while_no_rule_fires_is_drawn_from_its_pool() -> None:
    found = list(sampled_accounts(vectors(), scores(), (), 90))
    disagreeing = [int(draw.account[1:]) for draw in found if draw.method == "disagreement"]
    novel = [int(draw.account[1:]) for draw in found if draw.method == "novel"]
    assert max(disagreeing) < 0.1 * SIZE
    assert min(novel) > 0.9 * SIZE


def test_a_way_whose_scores_are_missing_leaves_its_part_to_the_lot() -> None:
    assert Counter(draw.method for draw in sampled_accounts(vectors(), {}, (), 90)) == {"random": 10}
    unusual = {account: Scores(50.0, 0.5) for account in ACCOUNTS}
    assert Counter(draw.method for draw in sampled_accounts(vectors(), unusual, (), 90)) == {"random": 10}


def test_the_probability_is_how_often_an_account_is_drawn() -> None:
    hours = 400
    drawn = [
        draw
        for hour in range(hours)
        for draw in sampled_accounts(vectors(hour), scores(), (), 90)
        if draw.method == "random"
    ]
    often = pd.Series([draw.account for draw in drawn]).value_counts() / hours
    stated = drawn[0].probability
    assert stated == pytest.approx(5 / 300)
    assert often.sum() / 300 == pytest.approx(stated)
    assert often.max() < 4 * stated


def test_a_drawn_account_becomes_a_case_that_says_so_and_keeps_its_probability() -> None:
    accounts = pd.DataFrame(
        {"account_id": ["a"], "created_at": NOW, "kind": "retail", "country": "ZZ", "market_maker": False}
    )
    session: dict[str, Any] = {
        "account_id": "a",
        "event": "login",
        "ip": "203.0.113.9",
        "asn_type": "residential",
        "ip_country": "ZZ",
    }
    session |= {"session_id": "s1", "ts": NOW - timedelta(days=1), "vpn": False, "device_id": "d", "headless": False}
    features = Features(Activity.from_frames({"accounts": accounts, "sessions": pd.DataFrame([session])}))
    run = Run(NOW, NOW, features, pd.DataFrame({"account_id": ["a"]}), {}, {}, POLICY)
    (review,) = build_reviews(run, [CaseCandidate(("a",), (), sample=SampledAccount("a", "random", 0.02))])
    assert review.severity is Severity.LOW
    assert review.typology == "unknown_anomaly"
    assert review.summary.startswith("No rule asked")
    assert review.selection == {"way": "random", "probability": 0.02}
    assert [(row.table, row.id) for row in review.evidence] == [("sessions", "s1")], "what it did in the last week"
    assert review.proposed_measures == ()
    assert type(review).from_stored(review.to_stored(), dedup_key=review.dedup_key) == review
