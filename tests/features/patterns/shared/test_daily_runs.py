"""Versions of daily findings: prolonged while nothing is new, superseded by news, ended when no longer found."""

from hypothesis import given
from hypothesis import strategies as st

from features.kernel.moments import DAY_US
from features.patterns.shared.daily_runs import Finding, versions
from features.patterns.shared.episode import Episode


def finding(run: int, news: bool) -> Finding:
    """What one run found of a pair."""
    return Finding("pair", run, news, Episode("p", ("a", "b"), "S", run, run, run * DAY_US, {}, ()))


def validity(*findings: Finding) -> list[tuple[int, int]]:
    """From which day until which each version holds."""
    found = sorted(versions(findings), key=lambda episode: episode.known_at)
    return [(e.known_at // DAY_US, (e.superseded_at or 0) // DAY_US) for e in found]


def test_a_run_without_news_prolongs_the_version() -> None:
    assert validity(finding(3, True), finding(4, False), finding(5, False)) == [(3, 6)]


def test_news_supersede_the_version_at_that_run() -> None:
    assert validity(finding(3, True), finding(4, True)) == [(3, 4), (4, 5)]


def test_a_day_on_which_nothing_was_found_ends_the_version() -> None:
    assert validity(finding(3, True), finding(5, False)) == [(3, 4), (5, 6)]


@given(st.dictionaries(st.integers(1, 12), st.booleans(), min_size=1), st.integers(1, 13))
def test_later_runs_change_nothing_that_was_known_before(runs: dict[int, bool], cut: int) -> None:
    findings = [finding(run, news) for run, news in runs.items()]
    whole = [(since, min(until, cut)) for since, until in validity(*findings) if since < cut]
    past = [(since, min(until, cut)) for since, until in validity(*(one for one in findings if one.run < cut))]
    assert whole == past
