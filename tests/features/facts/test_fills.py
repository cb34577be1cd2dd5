"""Fills: how much of each is no trade with the market, from when that was known, and never before."""

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from features.facts.fills import FILLS
from features.kernel.moments import HOUR_US
from features.patterns.shared.episode import EPISODES_SCHEMA, Episode, as_table
from tests.features.patterns.trading_floor import DAY, MIDNIGHT_US, floor, sale

NOON = DAY + timedelta(hours=12)
NOON_US = int(NOON.timestamp() * 1e6)
CONTROL = pa.schema(
    [
        ("account_id", pa.string()),
        ("other_id", pa.string()),
        ("known_from", pa.int64()),
        ("known_until", pa.int64()),
    ]
)


def fills(
    trades: list[dict[str, Any]],
    control: list[tuple[int, int | None]] | None = None,
    episodes: list[Episode] | None = None,
) -> list[dict[str, Any]]:
    """The makers' fills, where A and B were under one control in these stretches and these episodes were found."""
    engine = floor(trades)
    pairs = [("A", "B"), ("B", "A")]
    rows = [
        {"account_id": a, "other_id": b, "known_from": since, "known_until": until}
        for since, until in control or []
        for a, b in pairs
    ]
    engine.register("_control", pa.Table.from_pylist(rows, CONTROL))
    engine.create("fact_control", "SELECT * FROM _control")
    engine.register("_episodes", as_table(episodes or []).cast(EPISODES_SCHEMA))
    engine.create("episodes", "SELECT * FROM _episodes")
    engine.create_fact(FILLS.writes, FILLS.rows)
    found: list[dict[str, Any]] = engine.run("SELECT * FROM fact_fills WHERE maker ORDER BY ts, row_id").to_pylist()
    assert engine.run("SELECT count(*) AS n FROM fact_fills").to_pylist() == [{"n": 2 * len(trades)}]
    return found


def ring(pattern: str = "wash_ring", **measures: Any) -> Episode:
    """A finding about A, B and C in the spot market around noon."""
    return Episode(
        pattern,
        ("A", "B", "C"),
        "BTCUSDT",
        NOON_US,
        NOON_US + HOUR_US,
        MIDNIGHT_US,
        {"perp": False, "thin_market": False, "market_makers": 0, "lift": 9.0, **measures},
        (),
    )


def test_a_trade_with_the_market_weighs_nothing() -> None:
    (fill,) = fills([sale("A", "B", NOON)])
    assert (fill["wash_weight"], fill["wash_at"], fill["wash_known_at"]) == (0, None, None)


def test_a_trade_with_oneself_is_wash_as_soon_as_it_is_known() -> None:
    (fill,) = fills([sale("A", "A", NOON, ingested_at=NOON + timedelta(hours=1))])
    assert (fill["wash_weight"], fill["wash_at"], fill["wash_known_at"]) == (1_000, NOON_US, NOON_US + HOUR_US)


@pytest.mark.parametrize(
    ("control", "known_at"),
    [
        pytest.param([(0, None)], NOON_US, id="under one control"),
        pytest.param([(NOON_US + 5, None)], NOON_US + 5, id="found out later"),
        pytest.param([(0, NOON_US)], None, id="ended before"),
        pytest.param([(0, NOON_US + 1)], NOON_US, id="ended afterwards"),
        pytest.param([(0, 9), (NOON_US + 7, None)], NOON_US + 7, id="ended and found again"),
        pytest.param([(0, NOON_US + 1), (NOON_US + 7, None)], NOON_US, id="twice, and one fill"),
    ],
)
def test_a_trade_within_one_control_is_linked_and_wash_once_that_is_known(
    control: list[tuple[int, int | None]], known_at: int | None
) -> None:
    (fill,) = fills([sale("A", "B", NOON)], control)
    assert (fill["linked_known_at"], fill["wash_known_at"]) == (known_at, known_at)
    assert fill["linked_at"] == (None if known_at is None else NOON_US)
    assert fill["wash_weight"] == (0 if known_at is None else 1_000)


def test_a_ring_takes_the_credit_of_its_inner_trades_from_its_run_on() -> None:
    inside = sale("A", "B", NOON)
    others = [
        sale("A", "D", NOON + timedelta(minutes=1)),
        sale("A", "B", NOON + timedelta(minutes=2), product="perp"),
        sale("A", "B", NOON + timedelta(minutes=3), symbol="ETHUSDT"),
        sale("A", "B", NOON + timedelta(minutes=4), ingested_at=DAY + timedelta(days=2)),
        sale("A", "B", NOON + timedelta(hours=2)),
    ]
    weights = [(fill["wash_weight"], fill["wash_known_at"]) for fill in fills([inside, *others], episodes=[ring()])]
    assert weights == [(1_000, MIDNIGHT_US)] + [(0, None)] * 5


@pytest.mark.parametrize("measures", [{"thin_market": True}, {"market_makers": 1}])
def test_a_ring_that_is_a_persons_case_takes_no_credit_by_itself(measures: dict[str, Any]) -> None:
    (fill,) = fills([sale("A", "B", NOON)], episodes=[ring(**measures)])
    assert fill["wash_weight"] == 0


def test_a_pair_above_chance_is_marked_and_keeps_its_credit() -> None:
    (fill,) = fills([sale("A", "B", NOON)], episodes=[ring("wash_pair")])
    assert (fill["paired_known_at"], fill["ring_known_at"], fill["wash_weight"]) == (MIDNIGHT_US, None, 0)
