"""The clock of a home: real time unless it was set, then it runs on, and never backwards or in production."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import httpx
import pytest

from features.kernel.errors import Invalid
from features.kernel.moments import text_of, utc_now
from serving.app import Dependencies, create_app
from serving.cli import main
from serving.clock import CLOCK_FILE, ServiceClock, clock_of, set_clock
from serving.policy.book import Policy
from serving.settings import Settings
from serving.storage import Database
from tests.serving.running import running

LATER = utc_now() + timedelta(days=400)
SOON = timedelta(seconds=20)


def settings(home: Path, environment: Literal["development", "production"] = "development") -> Settings:
    """The settings of a home."""
    return Settings(home=home, environment=environment)


def shows(clock: ServiceClock, moment: datetime) -> bool:
    """Whether the clock has just passed the moment."""
    return moment <= clock() < moment + SOON


def test_a_home_without_a_clock_shows_real_time(tmp_path: Path) -> None:
    clock = clock_of(settings(tmp_path))
    assert clock.is_real
    assert shows(clock, utc_now() - timedelta(seconds=1))


def test_a_clock_that_was_set_is_kept_and_runs_on(tmp_path: Path) -> None:
    set_clock(settings(tmp_path), LATER)
    clock = clock_of(settings(tmp_path))
    assert not clock.is_real
    assert shows(clock, LATER)
    first = clock()
    time.sleep(0.001)
    assert first < clock()


def test_it_is_set_forwards_only(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="only be set forwards"):
        set_clock(settings(tmp_path), datetime(2025, 6, 1, tzinfo=UTC))
    set_clock(settings(tmp_path), datetime(2025, 6, 1, tzinfo=UTC), is_new_home=True)
    assert shows(clock_of(settings(tmp_path)), datetime(2025, 6, 1, tzinfo=UTC))


def test_in_production_it_shows_real_time_or_nothing_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid, match="In production"):
        set_clock(settings(tmp_path, "production"), LATER)
    set_clock(settings(tmp_path), LATER)
    with pytest.raises(Invalid, match="MSCORE_ENVIRONMENT is production"):
        clock_of(settings(tmp_path, "production"))
    monkeypatch.setenv("MSCORE_CLOCK", "2025-06-01T00:00:00Z")
    assert shows(clock_of(settings(tmp_path)), datetime(2025, 6, 1, tzinfo=UTC))
    with pytest.raises(Invalid, match="unset MSCORE_CLOCK"):
        clock_of(settings(tmp_path / "other", "production"))


@pytest.mark.parametrize("damaged", ["", "{}", '{"offset_seconds": "x"}', '{"offset_seconds": NaN}', "[]"])
def test_a_damaged_clock_stops_the_home_instead_of_showing_another_time(tmp_path: Path, damaged: str) -> None:
    (tmp_path / CLOCK_FILE).write_text(damaged)
    with pytest.raises(Invalid, match="is damaged"):
        clock_of(settings(tmp_path))


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The exit code of a command, and what it printed."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    printed = capsys.readouterr()
    return int(str(ended.value.code)), printed.out, printed.err


def test_the_commands_set_and_show_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = called(capsys, "clock", "set", text_of(LATER), "--json", "--home", str(tmp_path))
    assert (code, json.loads(out)["is_real"]) == (0, False)
    code, out, _ = called(capsys, "clock", "show", "--home", str(tmp_path))
    assert (code, "(demo time)" in out) == (0, True)
    code, _, error = called(capsys, "clock", "set", "2025-06-01", "--home", str(tmp_path))
    assert (code, "only be set forwards" in error) == (2, True)


def test_nobody_is_scored_at_a_moment_that_has_not_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = called(capsys, "score", "--as-of", "2062-06-02", "--home", str(tmp_path))
    assert (code, "lies ahead" in error) == (2, True)


@pytest.mark.parametrize("is_real_time", [True, False])
def test_demo_time_is_told_on_every_page_and_by_the_health_check(
    database: Database, policy: Policy, tmp_path: Path, is_real_time: bool
) -> None:
    shown = LATER.replace(second=1)
    world = Dependencies(ServiceClock(shown - utc_now()), is_real_time)
    with running(create_app(settings(tmp_path), database, policy, world)) as url:
        page = httpx.get(f"{url}/login", headers={"Accept": "text/html"})
        health = httpx.get(f"{url}/healthz").json()
    assert (f"Demo time {shown:%Y-%m-%d %H:%M} UTC" in page.text) is not is_real_time
    assert ("demo_time" in health) is not is_real_time
