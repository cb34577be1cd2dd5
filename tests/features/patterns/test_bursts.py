"""Bursts of new and of long silent accounts, against their peers' earlier days."""

from typing import Any

import pandas as pd
import pytest

from features.patterns.bursts import DORMANCY_BURST, NEW_ACCOUNT_BURST
from features.patterns.shared.episode import Episode
from tests.features.patterns.moneys import Rows, T, found, micros, transfer

DAY = pd.Timedelta(days=1)
PEERS = 100


def account(name: str, days_before: float, kind: str = "retail") -> dict[str, Any]:
    """An account opened so many days before T."""
    return {
        "account_id": name,
        "created_at": T - days_before * DAY,
        "kind": kind,
        "country": "DE",
        "market_maker": False,
    }


def peers(count: int = PEERS, kind: str = "retail") -> tuple[Rows, Rows]:
    """People who deposited 1 to so many hundred USD five days before."""
    people = [account(f"p{n}", 300, kind) for n in range(count)]
    return people, [transfer(f"q{n}", -120, 100.0 * (n + 1), account_id=f"p{n}") for n in range(count)]


def new_bursts(
    deposit: float, out: float, out_h: float = 30.0, count: int = PEERS, kind: str = "retail"
) -> list[Episode]:
    """What an account opened at T brings and takes."""
    people, transfers = peers(count)
    mine = [transfer("in", 1, deposit), transfer("out", out_h, out, "withdrawal")]
    return found(NEW_ACCOUNT_BURST, {"accounts": [*people, account("A", 0, kind)], "transfers": transfers + mine})


@pytest.mark.parametrize(("deposit", "count"), [(9_900.0, 1), (9_899.99, 0)])
def test_a_first_day_as_large_as_nearly_all_days_of_peers_is_a_burst(deposit: float, count: int) -> None:
    assert len(new_bursts(deposit, deposit)) == count


@pytest.mark.parametrize(("out", "count"), [(9_000.0, 1), (8_999.99, 0)])
def test_nine_tenths_of_it_are_gone_by_the_second_day(out: float, count: int) -> None:
    assert len(new_bursts(10_000.0, out)) == count


@pytest.mark.parametrize(("out_h", "count"), [(47.999, 1), (48.0, 0)])
def test_what_leaves_later_does_not_count(out_h: float, count: int) -> None:
    assert len(new_bursts(10_000.0, 9_000.0, out_h)) == count


def test_it_is_known_when_the_second_day_ends() -> None:
    (burst,) = new_bursts(10_000.0, 9_000.0)
    assert burst.known_at == micros(T + 2 * DAY)
    assert burst.measures["peers_usd"] == 9_900.0


def test_too_few_peers_and_peers_of_another_kind_say_nothing() -> None:
    assert new_bursts(10_000.0, 9_000.0, count=PEERS - 1) == []
    assert new_bursts(10_000.0, 9_000.0, kind="institution") == []


def awakened(
    silent_days: float | None, usd: float = 10_000.0, more: Rows | None = None, record_days: float = 200.0
) -> list[Episode]:
    """What an old account moves after a silence (None: ever since it is known); the record begins so long before T."""
    people, transfers = peers()
    first = transfer("first", -24 * record_days, 10.0, account_id="p0")
    before = [] if silent_days is None else [transfer("before", -24 * silent_days, 10.0)]
    rows = [*transfers, first, *before, transfer("now", 0, usd), *(more or [])]
    return found(DORMANCY_BURST, {"accounts": [*people, account("A", 400)], "transfers": rows})


@pytest.mark.parametrize(("silent_days", "count"), [(90.0, 1), (89.999, 0)])
def test_ninety_days_of_silence_come_before_it(silent_days: float, count: int) -> None:
    assert len(awakened(silent_days)) == count


@pytest.mark.parametrize(("usd", "count"), [(9_900.0, 1), (9_899.0, 0)])
def test_a_day_as_large_as_nearly_all_days_of_peers_is_a_dormancy_burst(usd: float, count: int) -> None:
    assert len(awakened(100.0, usd)) == count


def test_the_day_adds_up_and_is_known_with_the_transfer_that_makes_it_large() -> None:
    more = transfer("more", 5, 6_000.0, "withdrawal")
    (burst,) = awakened(100.0, 5_000.0, [more])
    assert (burst.measures["moved_usd"], burst.known_at) == (11_000.0, micros(more["ts"]))
    assert [row for _, row, _, _ in burst.evidence] == ["now", "more"]


@pytest.mark.parametrize(("record_days", "count"), [(90.0, 1), (89.0, 0)])
def test_silence_that_nobody_watched_is_none(record_days: float, count: int) -> None:
    assert len(awakened(None, record_days=record_days)) == count


def test_a_transfer_that_arrives_late_ends_no_silence_in_hindsight() -> None:
    late = transfer("late", -24, 10.0, ingested_at=T + DAY)
    (burst,) = [one for one in awakened(100.0, more=[late]) if one.ended_at >= micros(T)]
    assert burst.known_at == micros(T)
