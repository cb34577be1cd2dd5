"""Moments on the command line: with a zone, or a date alone; the calendar's edge is a wrong call, never our fault."""

import pytest

from tests.commands.calling import Call, is_one_sentence

EDGES = [
    "score --as-of {at} --home {home}",
    "drift --as-of {at} --home {home}",
    "alerts --as-of {at} --home {home}",
    "explain FLOCK-A1 --as-of {at} --home {home}",
    "train anomaly --labels-as-of {at} --home {bare}",
    "features build --as-of {at} --out {tmp}/v.parquet --home {home}",
    "evidence cancel_ratio_7d FLOCK-A1 --as-of {at} --home {home}",
    "evidence wash_ring-1 --as-of {at} --home {home}",
    "episodes --as-of {at} --home {home}",
]
BEYOND = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00", "10000-01-01", "0000-01-01"]


@pytest.mark.parametrize("line", EDGES)
@pytest.mark.parametrize("at", ["2025-06-05T00:00:00", "2025-06-05T12:00", "20250605T120000"])
def test_a_moment_without_a_zone_is_a_wrong_call(call: Call, places: dict[str, str], line: str, at: str) -> None:
    said = call(*line.format(at=at, **places).split())
    assert is_one_sentence(said), said
    assert "no time zone" in said.err


@pytest.mark.parametrize("line", EDGES)
@pytest.mark.parametrize("at", BEYOND)
def test_a_moment_outside_the_calendar_is_a_wrong_call(call: Call, places: dict[str, str], line: str, at: str) -> None:
    assert is_one_sentence(call(*line.format(at=at, **places).split()))


@pytest.mark.parametrize("at", ["0001-01-01", "9999-12-31", "9999-12-31T23:59:59.999999Z"])
@pytest.mark.parametrize(
    "line",
    [
        "features build --as-of {at} --out {tmp}/edge.parquet --home {home} --json",
        "evidence cancel_ratio_7d FLOCK-A1 --as-of {at} --home {home} --json",
        "episodes --as-of {at} --days 999999 --home {home} --json",
        "episodes --as-of {at} --days 999999999999 --home {home} --json",
        "drift --as-of {at} --home {home} --json",
    ],
)
def test_the_first_and_the_last_moment_of_the_calendar_are_answered_or_refused(
    call: Call, places: dict[str, str], line: str, at: str
) -> None:
    said = call(*line.format(at=at, **places).split())
    assert said.code == 0 or is_one_sentence(said), said
