"""Accounts in lockstep are found on the daily grid; followers, crowds and market bursts are not."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.activity.snapshot import Activity
from features.engines.duckdb import DuckDBEngine
from features.patterns.lockstep import LOCKSTEP
from features.patterns.shared.episode import EPISODES_SCHEMA, Episode

START = pd.Timestamp("2025-05-05T00:00:00Z").as_unit("us")
MEETINGS = [(day, hour) for day in range(3) for hour in (9, 15, 20)]
Trade = tuple[str, pd.Timestamp, str]


def meeting(members: Iterable[str], day: int, hour: int, lag_s: float = 0.2, side: str = "buy") -> list[Trade]:
    """Everybody takes within moments of each other."""
    at = START + pd.Timedelta(days=day, hours=hour, minutes=7, seconds=20)
    return [(who, at + pd.Timedelta(seconds=lag_s * place), side) for place, who in enumerate(members)]


def group(
    members: Iterable[str] = ("a", "b", "c"), lag_s: float = 0.2, sides: tuple[str, ...] = ("buy",)
) -> list[Trade]:
    """Nine meetings on three days."""
    return [
        trade
        for number, (day, hour) in enumerate(MEETINGS)
        for trade in meeting(members, day, hour, lag_s, sides[number % len(sides)])
    ]


def background(accounts: int = 40, trades: int = 400, days: int = 4) -> list[Trade]:
    """Others, at random."""
    random = np.random.default_rng(5)
    when = np.sort(random.integers(0, days * 86_400_000_000, trades))
    return [
        (
            f"x{random.integers(accounts)}",
            START + pd.Timedelta(microseconds=int(at)),
            str(random.choice(["buy", "sell"])),
        )
        for at in when
    ]


def found(
    trades: list[Trade],
    source: str | None = None,
    late: dict[int, pd.Timestamp] | None = None,
    declared: bool = False,
) -> list[Episode]:
    """What the pattern finds in taken trades of one symbol; `late` says when some of them were learned of."""
    rows: list[dict[str, Any]] = [
        {
            "trade_id": f"t{number}",
            "ts": at,
            "ingested_at": (late or {}).get(number, at),
            "symbol": "FLOCKUSDT",
            "product": "perp",
            "price": 1.0,
            "quantity": 1_000.0,
            "notional_usd": 1_000.0,
            "maker_account_id": "maker",
            "taker_account_id": who,
            "taker_order_id": f"o{number}",
            "taker_side": side,
            "maker_effect": "open",
            "taker_effect": "open",
            "maker_fee_usd": 0.0,
            "taker_fee_usd": 0.5,
            "liquidation": False,
        }
        for number, (who, at, side) in enumerate(trades)
    ]
    tables = {"trades": pd.DataFrame(rows)}
    if source:
        orders = [
            {"order_id": f"o{n}", "account_id": who, "ts": at, "event": "new", "symbol": "FLOCKUSDT", "product": "perp"}
            | {"side": side, "price": 1.0, "quantity": 1_000.0, "effect": "open", "source": source}
            for n, (who, at, side) in enumerate(trades)
        ]
        tables["order_events"] = pd.DataFrame(orders)
    engine = DuckDBEngine(Activity.from_frames(tables))
    engine.register("episodes", EPISODES_SCHEMA.empty_table())
    engine.create(
        "fact_associations",
        "SELECT 'a' AS account_id, 'b' AS other_id, 0 AS known_from, NULL::BIGINT AS known_until, "
        f"900000 AS probability_micro, {declared} AS declared",
    )
    return list(LOCKSTEP.detect(engine, LOCKSTEP.settings))


def midnight(day: int) -> int:
    return int((START + pd.Timedelta(days=day)).asm8.astype("int64"))


@pytest.mark.fires("D21")
def test_a_group_in_lockstep_is_found_at_the_midnight_after_enough_meetings() -> None:
    first, *_ = found(group() + background())
    assert first.accounts == ("a", "b", "c")
    assert first.known_at == midnight(2), "three meetings on the first day, six by the end of the second"
    assert (first.measures["support"], first.measures["days"]) == (6, 2)
    assert first.measures["jaccard"] == 1.0
    assert float(str(first.measures["p_value"])) < 1e-6
    assert first.measures["link_probability"] == 0.9


@pytest.mark.spares("D21")
def test_accounts_of_one_declared_owner_are_no_secret_group() -> None:
    first, *_ = found(group() + background(), declared=True)
    assert first.measures["link_probability"] == 0.0


def test_its_evidence_is_the_matched_trades_in_the_order_of_time() -> None:
    last = max(found(group() + background()), key=lambda episode: episode.known_at)
    ids = [row for _table, row, _at, _text in last.evidence]
    assert ids == [f"t{number}" for number in range(20)], "27 trades matched, 20 are shown"
    assert last.measures["support"] == 9


def test_the_share_of_the_market_is_that_of_the_whole_window() -> None:
    trades = group()
    elsewhen = [(f"y{number}", at + pd.Timedelta(hours=1), "buy") for number, (_who, at, _side) in enumerate(trades)]
    last = max(found(trades + elsewhen), key=lambda episode: episode.known_at)
    assert last.measures["market_share"] == 0.5


def test_two_accounts_are_no_group() -> None:
    assert found(group(("a", "b")) + background()) == []


def test_four_matched_actions_are_too_few() -> None:
    trades = [trade for day, hour in MEETINGS[:4] for trade in meeting("abc", day, hour)]
    assert found(trades + background()) == []


def test_one_busy_day_in_one_symbol_is_no_habit() -> None:
    trades = [trade for hour in range(8, 16) for trade in meeting("abc", 0, hour)]
    assert found(trades + background()) == []


@pytest.mark.parametrize("source", ["copy", "grid"])
@pytest.mark.spares("D21")
def test_followers_whose_orders_an_engine_places_are_left_out(source: str) -> None:
    assert found(group(), source=source) == []


@pytest.mark.spares("D21")
def test_followers_of_a_public_signal_who_come_seconds_later_are_not_in_step() -> None:
    assert found(group(lag_s=6.0) + background()) == []


def test_a_group_that_turns_together_within_the_minute_is_found_by_its_directions() -> None:
    meetings = [(day, hour) for day in range(4) for hour in range(8, 15)]
    trades = [
        trade
        for number, (day, hour) in enumerate(meetings)
        for trade in meeting("abc", day, hour, lag_s=6.0, side=("buy", "sell", "sell")[number % 3])
    ]
    last = max(found(trades + background()), key=lambda episode: episode.known_at)
    assert (last.accounts, last.measures["correlation"], last.measures["bins"]) == (("a", "b", "c"), 1.0, 28)


@pytest.mark.spares("D21")
def test_accounts_that_only_join_bursts_of_the_whole_market_are_not_in_step() -> None:
    """Each time another dozen strangers trade in the same second: the second is the market's, not the group's."""
    trades = [
        trade
        for number, (day, hour) in enumerate(MEETINGS)
        for trade in meeting(["a", "b", "c", *(f"m{number}-{n}" for n in range(12))], day, hour, lag_s=0.01)
    ]
    assert found(trades) == []


def test_a_minute_that_a_crowd_trades_matches_nobody() -> None:
    crowd = [f"m{number}" for number in range(31)]
    assert found([trade for day, hour in MEETINGS for trade in meeting(crowd, day, hour, lag_s=1.5)]) == []


def test_accounts_that_mostly_trade_elsewhere_in_the_symbol_are_not_in_step() -> None:
    own = [
        (who, START + pd.Timedelta(hours=2 * n + place, minutes=40), "sell")
        for n in range(40)
        for place, who in enumerate("abc")
    ]
    assert found(group() + own) == []


def test_a_trade_that_arrives_late_counts_from_when_it_was_known() -> None:
    trades = group() + background()
    arrived = START + pd.Timedelta(days=3, hours=5)
    late = dict.fromkeys(range(3), arrived)
    before, after = found(trades), found(trades, late=late)
    assert min(e.known_at for e in before) == midnight(2)
    supports = {episode.known_at: episode.measures["support"] for episode in after}
    assert supports == {midnight(2): 5, midnight(3): 8, midnight(4): 9}
