"""Wash pairs: far above chance, found at the next midnight, and never in a market too thin to tell."""

from datetime import timedelta

import pandas as pd

from features.activity.snapshot import Activity
from features.engines import DuckDBEngine
from features.patterns.episode import Episode
from features.patterns.wash import WASH_PAIR
from features.pipeline import Features

DAY = pd.Timestamp("2025-05-30", tz="UTC")
MIDNIGHT_US = int((DAY + timedelta(days=1)).timestamp() * 1e6)
DAY_US = 86_400 * 1_000_000


def market(people: int, pair_trades: int, late: timedelta | None = None) -> pd.DataFrame:
    """Everybody trades with the next three; W1 and W2 trade with each other, in turns."""
    crowd = [(f"c{n}", f"c{(n + step) % people}") for n in range(people) for step in (1, 2, 3)]
    pair = [("W1", "W2") if n % 2 else ("W2", "W1") for n in range(pair_trades)]
    both = crowd + pair
    at = [DAY + timedelta(hours=1, seconds=n) for n in range(len(both))]
    frame = pd.DataFrame(
        {
            "trade_id": [f"t{n}" for n in range(len(both))],
            "ts": at,
            "symbol": "BTCUSDT",
            "product": "spot",
            "price": 100.0,
            "quantity": 1.0,
            "notional_usd": 100.0,
            "maker_account_id": [maker for maker, _ in both],
            "taker_account_id": [taker for _, taker in both],
            "taker_side": "buy",
            "maker_effect": "none",
            "taker_effect": "none",
            "maker_fee_usd": 0.0,
            "taker_fee_usd": 0.1,
            "liquidation": False,
        }
    )
    return frame if late is None else frame.assign(ingested_at=frame["ts"] + late)


def pairs(trades: pd.DataFrame) -> list[Episode]:
    """What the daily runs find."""
    engine = DuckDBEngine(Activity.from_frames({"trades": trades}))
    return list(WASH_PAIR.detect(engine, WASH_PAIR.settings))


def test_a_pair_far_above_chance_is_found_at_each_midnight_while_the_window_holds_it() -> None:
    found = pairs(market(people=40, pair_trades=30))
    assert {episode.accounts for episode in found} == {("W1", "W2")}
    assert [episode.known_at for episode in found] == [MIDNIGHT_US + day * DAY_US for day in range(7)]
    assert all(episode.superseded_at == episode.known_at + DAY_US for episode in found)
    first = found[0].measures
    assert first["trades"] == 30
    assert first["expected_trades"] == (15 * 15 + 15 * 15) / 150
    assert first["lift"] == 10.0
    assert first["net_share"] == 0.0


def test_nothing_is_found_before_the_trades_were_known() -> None:
    found = pairs(market(people=40, pair_trades=30, late=timedelta(days=2)))
    assert min(episode.known_at for episode in found) == MIDNIGHT_US + 2 * DAY_US


def test_volume_counts_as_washed_from_the_midnight_of_the_run_and_not_before() -> None:
    trades = market(people=40, pair_trades=30)
    names = sorted(set(trades["maker_account_id"]) | set(trades["taker_account_id"]))
    accounts = {"account_id": names, "created_at": DAY - timedelta(days=9), "kind": "retail", "country": "ZZ"}
    activity = Activity.from_frames({"trades": trades, "accounts": pd.DataFrame({**accounts, "market_maker": False})})
    midnight = DAY + timedelta(days=1)
    spine = pd.DataFrame({"account_id": "W1", "as_of": [midnight - timedelta(microseconds=1), midnight]})
    vectors = Features(activity).vectors(spine)
    assert vectors["wash_volume_usd_7d"].tolist() == [0.0, 3_000.0]
    assert vectors["wash_pairs_n"].tolist() == [0.0, 1.0]


def test_a_market_with_few_participants_is_too_thin_to_tell() -> None:
    assert pairs(market(people=17, pair_trades=20)) == []
    assert pairs(market(people=18, pair_trades=20)) != []


def test_a_few_trades_are_chance() -> None:
    assert pairs(market(people=40, pair_trades=9)) == []
