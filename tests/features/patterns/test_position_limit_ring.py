"""The ring of clause 8: found once, with its measures, and judged exactly at its boundaries."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from features.activity.snapshot import Activity
from features.patterns.position_limit_ring import POSITION_LIMIT_RING
from features.patterns.shared.episode import Episode
from tests.features.legs import engine_with_legs
from tests.flock import BURST, OPENED_MS, PRICE, RING, RING_IP, flock_tables

TICK = 0.00001
Frames = dict[str, pd.DataFrame]


def rings(frames: Frames) -> list[Episode]:
    """The episodes found in the tables."""
    engine = engine_with_legs(Activity.from_frames(frames))
    return list(POSITION_LIMIT_RING.detect(engine, POSITION_LIMIT_RING.settings))


def measures(frames: Frames) -> dict[str, Any]:
    """The measures of the one ring in the tables."""
    (episode,) = rings(frames)
    return dict(episode.measures)


def opened(frames: Frames, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Frames:
    """The tables with the ring's six opening fills changed."""
    trades = frames["trades"]
    own = trades["trade_id"].str.fullmatch(r"r\d")
    return frames | {"trades": pd.concat([change(trades[own].copy()), trades[~own]], ignore_index=True)}


def at(milliseconds: list[int]) -> Frames:
    """The ring opening at these milliseconds of the burst."""
    moments = [BURST + timedelta(milliseconds=ms) for ms in milliseconds]
    frames = opened(flock_tables(), lambda own: own.assign(ts=pd.to_datetime(moments, utc=True)))
    orders = frames["order_events"].assign(ts=pd.to_datetime(moments, utc=True))
    return frames | {"order_events": orders}


@pytest.mark.fires("D26")
def test_the_case_of_clause_8_is_one_episode_with_its_measures() -> None:
    (episode,) = rings(flock_tables())
    assert episode.accounts == RING
    assert episode.symbol == "FLOCKUSDT"
    found = dict(episode.measures)
    assert found["linked_accounts"] == 6
    assert found["sync_ms"] == max(OPENED_MS) - min(OPENED_MS)
    assert found["sync_strict"] is True
    assert found["price_range_ticks"] == 0
    assert found["combined_usd"] == pytest.approx(270_000)
    assert found["limit_usd"] == 100_000
    assert found["each_within_limit"] is True
    assert found["entities"] == 6
    assert found["market_share"] == pytest.approx(0.5, abs=0.01)
    assert found["conditions_met"] == 5


def test_the_episode_names_its_trades_and_the_address_that_links_each_pair() -> None:
    (episode,) = rings(flock_tables())
    assert {(table, row) for table, row, _, _ in episode.evidence} == {("trades", f"r{n}") for n in range(6)}
    assert {value for _, _, kind, value, _ in episode.links if kind == "ip"} == {RING_IP}
    assert len([kind for _, _, kind, _, _ in episode.links if kind == "ip"]) == 15
    assert {account for link in episode.links for account in link[:2]} == set(RING)


def test_it_is_known_when_its_minute_closes_and_not_before() -> None:
    (episode,) = rings(flock_tables())
    first = pd.Timestamp(BURST) + timedelta(milliseconds=min(OPENED_MS))
    assert episode.known_at == int((first + timedelta(seconds=60)).timestamp() * 1e6)
    assert episode.started_at == int(first.timestamp() * 1e6)


@pytest.mark.parametrize(("span_ms", "together"), [(999, 6), (1_000, 6), (1_001, 5)])
def test_opens_are_synchronised_within_one_second_ends_included(span_ms: int, together: int) -> None:
    found = measures(at([0, 200, 400, 600, 800, span_ms]))
    assert found["sync_accounts"] == together
    assert found["sync_loose_accounts"] == 6
    assert found["sync_ms"] == (span_ms if together == 6 else 800)


@pytest.mark.parametrize(("apart", "strict"), [(1, True), (2, False)])
def test_a_ring_is_strictly_synchronised_where_four_fifths_of_it_are(apart: int, strict: bool) -> None:
    found = measures(at([0] * (6 - apart) + [1_001] * apart))
    assert found["linked_accounts"] == 6
    assert found["sync_strict"] is strict


@pytest.mark.parametrize(("ticks", "conditions"), [(1, 5), (2, 4)])
def test_prices_one_tick_apart_are_one_price_and_two_are_not(ticks: int, conditions: int) -> None:
    prices = [PRICE] * 5 + [PRICE + ticks * TICK]
    found = measures(opened(flock_tables(), lambda own: own.assign(price=prices)))
    assert found["price_range_ticks"] == ticks
    assert found["conditions_met"] == conditions


@pytest.mark.parametrize(("limit", "evades"), [(269_999.0, True), (270_000.0, False)])
def test_a_combined_position_exactly_at_the_limit_is_not_beyond_it(limit: float, evades: bool) -> None:
    frames = flock_tables()
    limits = frames["position_limits"].assign(max_notional_usd=limit)
    rounded = opened(frames, lambda own: own.assign(price=0.25, quantity=180_000.0, notional_usd=45_000.0))
    found = measures(rounded | {"position_limits": limits})
    assert found["combined_usd"] == 270_000
    assert found["conditions_met"] == (5 if evades else 4)


@pytest.mark.parametrize(("share", "conditions"), [(0.401, 5), (0.399, 4)])
def test_the_ring_dominates_from_two_fifths_of_the_minute(share: float, conditions: int) -> None:
    frames = flock_tables()
    (now,) = {measures(frames)["market_share"]}
    trades = frames["trades"]
    outside = trades["trade_id"].str.startswith("b")
    factor = now / (1 - now) * (1 - share) / share
    louder = trades["notional_usd"].where(~outside, trades["notional_usd"] * factor)
    found = measures(frames | {"trades": trades.assign(notional_usd=louder)})
    assert found["market_share"] == pytest.approx(share, abs=5e-4)
    assert found["conditions_met"] == conditions


def test_two_accounts_are_no_ring() -> None:
    assert rings(opened(flock_tables(), lambda own: own.iloc[:2])) == []


def test_a_burst_across_the_turn_of_a_minute_is_still_one() -> None:
    found = measures(at([41_700, 41_800, 41_900, 42_050, 42_150, 42_300]))
    assert found["conditions_met"] == 5
    assert found["sync_ms"] == 600


def test_an_account_that_only_shares_the_address_and_did_not_trade_is_not_in_the_ring() -> None:
    frames = flock_tables()
    assert "B1" in set(frames["sessions"].query("ip == @RING_IP")["account_id"])
    (episode,) = rings(frames)
    assert "B1" not in episode.accounts


@pytest.mark.parametrize("source", ["copy", "grid", "liquidation"])
@pytest.mark.spares("D26")
def test_orders_that_an_engine_placed_are_no_common_plan(source: str) -> None:
    frames = flock_tables()
    assert rings(frames | {"order_events": frames["order_events"].assign(source=source)}) == []


@pytest.mark.spares("D26")
def test_accounts_of_one_declared_owner_are_one_entity_and_evade_nothing() -> None:
    frames = flock_tables()
    accounts = frames["accounts"]
    owned = accounts.assign(owner_id=accounts["account_id"].where(~accounts["account_id"].isin(RING), "fund"))
    found = measures(frames | {"accounts": owned})
    assert found["entities"] == 1
    assert found["conditions_met"] == 4


def test_a_session_that_was_learned_of_later_links_only_then() -> None:
    frames = flock_tables()
    sessions = frames["sessions"]
    late = sessions.assign(ingested_at=sessions["ts"] + timedelta(days=1))
    (at_once,), (a_day_later,) = rings(frames), rings(frames | {"sessions": late})
    assert a_day_later.known_at - at_once.known_at == timedelta(days=1) // timedelta(microseconds=1)


def test_a_login_just_after_the_judgement_changes_nothing_before_it() -> None:
    """Sixty strangers on the address a second later would make it a café: too late to undo what was known."""
    frames = flock_tables()
    sessions, accounts = frames["sessions"], frames["accounts"]
    (ring,) = rings(frames)
    strangers = [f"X{number}" for number in range(60)]
    after = pd.Timestamp(ring.known_at + 700_000, unit="us", tz="UTC")
    crowd = pd.concat([sessions.iloc[[0]]] * 60, ignore_index=True)
    crowd = crowd.assign(account_id=strangers, session_id=strangers, device_id=strangers, ts=after)
    people = pd.concat([accounts.iloc[[0]]] * 60, ignore_index=True).assign(account_id=strangers)
    found = rings(frames | {"sessions": pd.concat([sessions, crowd]), "accounts": pd.concat([accounts, people])})
    assert [e for e in found if e.known_at == ring.known_at] == [replace(ring, superseded_at=found[0].superseded_at)]


def open_of(frames: Frames, like: str, after_s: float, notional: float, **changes: Any) -> pd.DataFrame:
    """An open like one of the ring's, so many seconds after the burst."""
    trades = frames["trades"]
    row = trades[trades["trade_id"] == like].assign(notional_usd=notional, quantity=notional / PRICE, **changes)
    return row.assign(ts=pd.Timestamp(BURST) + pd.Timedelta(seconds=after_s))


def test_an_open_that_was_not_known_yet_begins_no_window() -> None:
    frames = flock_tables()
    beyond = open_of(frames, "r1", 30, 80_000.0, trade_id="x1")
    known = frames | {"trades": pd.concat([frames["trades"], beyond], ignore_index=True)}
    (plain,) = rings(known)
    assert plain.measures["each_within_limit"] is False, "the second member holds 125,000 USD by the end of the minute"
    early = open_of(frames, "r0", -40, 10.0, trade_id="x0", ingested_at=pd.Timestamp(BURST) + timedelta(hours=1))
    trades = pd.concat([known["trades"].assign(ingested_at=known["trades"]["ts"]), early], ignore_index=True)
    before = [e for e in rings(known | {"trades": trades}) if e.known_at < plain.known_at + 3_600 * 1_000_000]
    assert [replace(e, superseded_at=None) for e in before] == [plain]


def test_late_trades_of_the_burst_are_seen_by_a_window_that_began_before_it() -> None:
    frames = flock_tables()
    trades = frames["trades"]
    early = open_of(frames, "r0", -30, 10.0, trade_id="x0")
    others = trades[trades["trade_id"].str.startswith("b")]
    moment = pd.Timestamp(BURST) + timedelta(seconds=45)
    late = others.assign(trade_id="late-" + others["trade_id"], ts=moment, ingested_at=moment + timedelta(seconds=25))
    prompt = pd.concat([trades, early]).assign(ingested_at=lambda rows: rows["ts"])
    found = rings(frames | {"trades": pd.concat([prompt, late], ignore_index=True)})
    (standing,) = (e for e in found if e.superseded_at is None)
    assert standing.measures["market_usd"] == pytest.approx(2 * 270_000 + 270_000, rel=0.01)
    assert all(e.superseded_at == standing.known_at for e in found if e is not standing)


def test_an_order_row_that_arrives_later_does_not_unmake_a_ring() -> None:
    frames = flock_tables()
    orders = frames["order_events"]
    copied = orders.assign(source="copy", ingested_at=orders["ts"] + timedelta(hours=1))
    assert [e.accounts for e in rings(frames | {"order_events": copied})] == [RING]


def test_a_position_opened_in_three_fills_counts_as_a_whole() -> None:
    def thirds(own: pd.DataFrame) -> pd.DataFrame:
        parts = [own.assign(trade_id=own["trade_id"] + f"-{n}", notional_usd=15_000.0) for n in range(3)]
        return pd.concat(parts).assign(quantity=lambda rows: rows["notional_usd"] / rows["price"])

    found = measures(opened(flock_tables(), thirds))
    assert found["combined_usd"] == pytest.approx(270_000)
    assert found["conditions_met"] == 5


def test_the_two_sides_of_a_market_are_never_one_ring() -> None:
    sides = ["buy"] * 5 + ["sell"]
    (episode,) = rings(opened(flock_tables(), lambda own: own.assign(taker_side=sides)))
    assert episode.accounts == RING[:5]


def test_each_account_is_judged_by_the_limit_of_the_leverage_it_used() -> None:
    frames = flock_tables()
    limits = frames["position_limits"]
    tiers = pd.concat([limits.assign(max_leverage=20.0), limits.assign(max_leverage=50.0, max_notional_usd=40_000.0)])
    bolder = frames["order_events"].assign(leverage=[20.0] * 5 + [50.0])
    found = measures(frames | {"position_limits": tiers, "order_events": bolder})
    assert found["each_within_limit"] is False, "45,000 USD at 50 times leverage, where 40,000 are allowed"


def test_a_limit_that_changed_after_the_burst_is_not_applied_to_it() -> None:
    frames = flock_tables()
    limits = frames["position_limits"]
    changed = pd.Timestamp(BURST) + timedelta(minutes=1)
    tiers = pd.concat(
        [limits.assign(valid_to=changed), limits.assign(valid_from=changed, max_notional_usd=1_000_000.0)]
    )
    assert measures(frames | {"position_limits": tiers})["limit_usd"] == 100_000


@pytest.mark.parametrize("skew_ms", [-200, 200])
def test_a_clock_that_is_off_by_a_fifth_of_a_second_changes_no_condition(skew_ms: int) -> None:
    found = measures(at([ms + (skew_ms if place == 2 else 0) for place, ms in enumerate(OPENED_MS)]))
    assert found["conditions_met"] == 5
