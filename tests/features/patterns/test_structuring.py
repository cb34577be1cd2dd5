"""Structuring: several transfers just below a threshold, and what only looks like it."""

from typing import Any

import pandas as pd
import pytest

from features.patterns.shared.episode import Episode
from features.patterns.structuring import STRUCTURING
from tests.features.patterns.moneys import Rows, T, found, holding, micros, transfer


def below(count: int, every_h: float = 2.0, usd: float = 900.0, **more: Any) -> Rows:
    """So many deposits of different amounts just below 1,000 USD."""
    return [transfer(f"t{n}", n * every_h, usd + n, **more) for n in range(count)]


def bursts(rows: Rows) -> list[Episode]:
    """What holds in the end."""
    return holding(found(STRUCTURING, {"transfers": rows}))


@pytest.mark.parametrize(
    ("lowest", "highest", "count"), [(800.0, 999.999999, 1), (799.999999, 999.0, 0), (800.0, 1_000.0, 0)]
)
def test_the_band_is_from_four_fifths_of_the_threshold_to_just_below_it(
    lowest: float, highest: float, count: int
) -> None:
    rows = [transfer("a", 0, lowest), transfer("b", 1, 900.0), transfer("c", 2, highest)]
    assert len(bursts(rows)) == count


@pytest.mark.parametrize(("every_h", "count"), [(11.999, 1), (12.0, 0)])
@pytest.mark.fires("D12")
def test_three_within_a_day_are_a_burst(every_h: float, count: int) -> None:
    assert len(bursts(below(3, every_h))) == count


@pytest.mark.parametrize(("every_h", "count"), [(41.999, 1), (42.0, 0)])
def test_five_within_a_week_are_a_burst(every_h: float, count: int) -> None:
    assert len(bursts(below(5, every_h))) == count


def test_four_within_a_week_are_none() -> None:
    assert bursts(below(4, 30.0)) == []


def test_a_burst_is_one_episode_that_grows_with_every_transfer() -> None:
    versions = found(STRUCTURING, {"transfers": below(5, 1.0)})
    assert [version.measures["transfers"] for version in versions] == [3, 4, 5]
    assert [version.known_at for version in versions] == [micros(T + pd.Timedelta(hours=h)) for h in (2, 3, 4)]
    assert [version.superseded_at for version in versions] == [versions[1].known_at, versions[2].known_at, None]
    (last,) = holding(versions)
    assert last.measures["total_usd"] == pytest.approx(sum(900.0 + n for n in range(5)))
    assert [row for _, row, _, _ in last.evidence] == [f"t{n}" for n in range(5)]


def test_two_bursts_a_week_apart_are_two_episodes() -> None:
    later = [transfer(f"u{n}", 240 + n, 950.0 + n) for n in range(3)]
    assert len(bursts(below(3) + later)) == 2


def test_amounts_of_different_thresholds_do_not_add_up() -> None:
    assert bursts([transfer("a", 0, 900.0), transfer("b", 1, 2_900.0), transfer("c", 2, 9_900.0)]) == []


@pytest.mark.parametrize(("above", "count"), [(1, 1), (2, 0)])
def test_somebody_who_goes_above_as_well_avoids_no_threshold(above: int, count: int) -> None:
    over = [transfer(f"o{n}", -48.0 - n, 1_000.0 + 100 * n) for n in range(above)]
    assert len(bursts(below(5, 1.0) + over)) == count


@pytest.mark.spares("D12")
def test_a_standing_order_of_one_amount_is_none() -> None:
    assert bursts([transfer(f"d{n}", 24.0 * n, 900.0) for n in range(7)]) == []


def test_a_row_that_sums_up_several_transfers_has_no_amount_of_its_own() -> None:
    assert bursts(below(3, n_events=2)) == []


@pytest.mark.parametrize(("kind", "marked"), [("exchange", True), ("self_hosted", False)])
@pytest.mark.spares("D12")
def test_inventory_moved_between_exchanges_is_marked(kind: str, marked: bool) -> None:
    (burst,) = bursts(below(3, counterparty_type=kind))
    assert burst.measures["between_exchanges"] is marked


def test_a_late_transfer_changes_nothing_before_it_arrives() -> None:
    late = T + pd.Timedelta(hours=40)
    rows = below(3)
    rows[1]["ingested_at"] = late
    (burst,) = found(STRUCTURING, {"transfers": rows})
    assert burst.known_at == micros(late)


def test_a_transfer_above_that_arrives_late_clears_nobody_in_hindsight() -> None:
    over = [transfer(f"o{n}", -1.0, 1_100.0, ingested_at=T + pd.Timedelta(hours=40)) for n in range(3)]
    assert len(bursts(below(3) + over)) == 1
