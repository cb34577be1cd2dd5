"""The page about drift, its picture, and the metrics of the last look."""

from datetime import date, timedelta

import pytest

from serving.people.model import Role
from serving.reviews.store import ReviewLog
from serving.scoring.store import KEY
from serving.scoring.views import drift_series, rates_of
from serving.storage.service_state import ServiceState
from tests.serving.cases import NOW, plain_review
from tests.serving.conftest import Running
from tests.serving.scoring.drift_looks import history, latest

DAY = date(2025, 6, 1)


def keep(service: Running, count: int) -> None:
    """So many looks."""
    with service.database.transaction() as transaction:
        ServiceState(transaction).put(KEY, {"latest": latest(), "history": history(count)}, NOW)


def test_before_the_first_drift_check_the_page_says_how_to_run_one(service: Running) -> None:
    page = service.signed_in().get("/drift").text
    assert "No drift check yet" in page
    assert "mscore drift" in page
    assert "No review was opened yet." in page


def test_the_page_needs_a_login(service: Running) -> None:
    assert service.browser().get("/drift").url.path == "/login"


def test_the_last_drift_check_its_alarms_and_its_series_are_shown(service: Running) -> None:
    keep(service, 3)
    with service.database.transaction() as transaction:
        assert ReviewLog(transaction).open(plain_review("p"))
    page = service.signed_in().get("/drift").text
    assert "1 alarm" in page
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "3 drift checks from 2025-05-01 to 2025-05-15" in page
    assert page.count('class="up"') >= 1, "the look above the limit is highlighted"


def test_one_drift_check_makes_no_series(service: Running) -> None:
    keep(service, 1)
    assert "One drift check makes no series" in service.signed_in().get("/drift").text


def test_a_look_without_enough_accounts_is_no_point() -> None:
    looks = [{**look, "adversarial_auc": None} for look in history(2)]
    assert drift_series([*looks, *history(1)], 0.7) is None
    course = drift_series([*looks, *history(2)], 0.7)
    assert course is not None
    assert len(course.points) == 2


@pytest.mark.parametrize(("last", "high"), [(4, False), (30, True)])
def test_a_day_far_above_the_others_is_high(last: int, high: bool) -> None:
    opened = [(DAY + timedelta(days=day), "spoofing", 3) for day in range(5)]
    (rate,) = rates_of([*opened, (DAY + timedelta(days=5), "spoofing", last)])
    assert [day.high for day in rate.days] == [False] * 5 + [high]
    assert rate.days[-1].height == 26.0


def test_kinds_share_their_days_and_the_most_frequent_comes_first() -> None:
    rates = rates_of([(DAY, "spoofing", 1), (DAY, "layering", 2), (DAY + timedelta(days=1), "layering", 2)])
    assert [[day.count for day in rate.days] for rate in rates] == [[2, 2], [1, 0]]


def test_what_could_not_be_measured_any_more_is_no_metric(service: Running) -> None:
    client = service.as_role(Role.SCIENTIST)
    keep(service, 2)
    assert 'sign="martingale"' in client.get("/metrics").text
    with service.database.transaction() as transaction:
        looks = [{**look, "martingale": None} for look in history(2)]
        ServiceState(transaction).put(KEY, {"latest": latest(), "history": looks}, NOW)
    assert 'sign="martingale"' not in client.get("/metrics").text


def test_metrics_show_the_last_drift_check(service: Running) -> None:
    client = service.as_role(Role.SCIENTIST)
    assert "mscore_drift{" not in client.get("/metrics").text
    keep(service, 3)
    text = client.get("/metrics").text
    assert 'mscore_drift{sign="adversarial_auc"} 0.75' in text
    assert 'mscore_drift{sign="act"} 2.0' in text
