"""The FLOCKUSDT openings of clause 8 as the fixture of the domain reference gives them."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from features.simulator.exchange import Simulation

BEGIN = datetime(2025, 5, 30, 3, 6, 18, 112_000, tzinfo=UTC)
RING = [f"FLOCK-A{number}" for number in range(1, 7)]


@pytest.fixture(scope="module")
def minute(tiny_run: Simulation) -> pd.DataFrame:
    trades = tiny_run.activity["trades"].to_pandas()
    inside = (trades.ts >= BEGIN) & (trades.ts < BEGIN + timedelta(seconds=60))
    chosen: pd.DataFrame = trades[inside & (trades.symbol == "FLOCKUSDT")]
    return chosen


def test_the_ring_opens_at_the_given_milliseconds_and_price(minute: pd.DataFrame) -> None:
    ring = minute[minute.taker_account_id.isin(RING)].sort_values("ts")
    assert ring.taker_account_id.tolist() == RING
    assert [(ts - BEGIN) // timedelta(milliseconds=1) for ts in ring.ts] == [0, 56, 91, 179, 232, 375]
    assert set(ring.price) == {0.215}
    assert set(ring.taker_side) == {"buy"}
    assert set(ring.taker_effect) == {"open"}
    assert set(ring.notional_usd) == {45_000.0}


def test_the_ring_is_half_of_the_minute(minute: pd.DataFrame) -> None:
    ring = minute.taker_account_id.isin(RING)
    assert minute.notional_usd.sum() == pytest.approx(540_000)
    assert minute[ring].notional_usd.sum() / minute.notional_usd.sum() == pytest.approx(0.5)
    assert len(minute[~ring]) == 200
    assert minute[~ring].taker_account_id.nunique() == 60
    assert not minute.maker_account_id.isin(RING).any()


def test_seven_accounts_share_the_address_and_are_verified(tiny_run: Simulation) -> None:
    sessions = tiny_run.activity["sessions"].to_pandas()
    here = sessions[sessions.ip == "203.0.113.17"]
    assert set(here.account_id) == {*RING, "FLOCK-B1"}
    ring = here[here.account_id.isin(RING)]
    assert (BEGIN - ring.ts).max() < timedelta(hours=24)
    devices = ring.set_index("account_id").device_id
    assert devices["FLOCK-A1"] == devices["FLOCK-A4"]
    assert devices.nunique() == 5
    levels = tiny_run.activity["verifications"].to_pandas()
    approved = levels[(levels.status == "approved") & (levels.level == 2)].account_id
    assert {*RING, "FLOCK-B1"} <= set(approved)


def test_each_stays_within_the_limit_that_all_exceed(tiny_run: Simulation, minute: pd.DataFrame) -> None:
    limits = tiny_run.activity["position_limits"].to_pandas()
    flock = limits[(limits.symbol == "FLOCKUSDT") & (limits.max_leverage == 20)].max_notional_usd.item()
    opened = minute[minute.taker_account_id.isin(RING)].groupby("taker_account_id").notional_usd.sum()
    assert flock == 100_000
    assert opened.max() < flock < opened.sum()


def test_accounts_are_as_old_as_the_fixture_says(tiny_run: Simulation) -> None:
    accounts = tiny_run.activity["accounts"].to_pandas().set_index("account_id").created_at
    days = {f"{accounts[name]:%Y-%m-%d}" for name in RING}
    assert days == {"2025-05-12", "2025-05-14", "2025-05-20", "2024-11-02", "2025-05-27"}
