"""Wash features through the whole derivation: credit is taken from the midnight of the run on, and not before."""

from datetime import timedelta

import pandas as pd

from features.activity.snapshot import Activity
from features.pipeline import Features
from tests.features.patterns.trading_floor import DAY, accounts, circles, crowd, frame, sale

MIDNIGHT = DAY + timedelta(days=1)
JUST_BEFORE = MIDNIGHT - timedelta(microseconds=1)


def test_a_ring_loses_its_credit_at_midnight_and_keeps_what_it_traded_with_others() -> None:
    honest = [sale("A", "c7", DAY + timedelta(hours=20), 0.5)]
    trades = frame(crowd(80) + circles(("A", "B", "C"), 10) + honest)
    people = accounts(set(trades["maker_account_id"]) | set(trades["taker_account_id"]))
    features = Features(Activity.from_frames({"trades": trades, "accounts": people}))
    spine = pd.DataFrame({"account_id": ["A", "A", "c7"], "as_of": [JUST_BEFORE, MIDNIGHT, MIDNIGHT]})
    vectors = features.vectors(spine)
    assert vectors["volume_usd_30d"].tolist() == [20_050.0, 20_050.0, 650.0]
    assert vectors["credited_volume_usd_30d"].tolist() == [20_050.0, 50.0, 650.0]
    assert vectors["credited_active_days_30d"].tolist() == [1.0, 1.0, 1.0]
    assert vectors["ring_volume_share_7d"].tolist() == [0.0, 20_000 / 20_050, 0.0]
    assert vectors["wash_volume_usd_7d"].tolist() == [0.0, 20_000.0, 0.0]
    assert vectors["wash_pairs_n"].tolist() == [0.0, 2.0, 0.0]
    assert vectors["wash_rings_n"].tolist() == [0.0, 1.0, 0.0]
    assert vectors["hourly_roundtrip_share_7d"].iloc[0] == 20_000 / 20_050
    assert vectors["daily_net_to_gross_7d"].iloc[1] == 50 / 20_050


def test_trades_with_oneself_count_once_each_and_per_market() -> None:
    own = [sale("S", "S", DAY + timedelta(hours=hour)) for hour in (10, 11, 12)]
    futures = [sale("S", "S", DAY + timedelta(hours=hour), product="perp") for hour in (13, 14)]
    trades = frame(own + futures)
    features = Features(Activity.from_frames({"trades": trades, "accounts": accounts({"S"})}))
    vectors = features.vectors(pd.DataFrame({"account_id": ["S"], "as_of": [MIDNIGHT]}))
    assert vectors["self_trades_1d"].tolist() == [3.0]
    assert vectors["linked_counterparty_share_7d"].tolist() == [1.0]
    assert vectors["credited_volume_usd_30d"].tolist() == [0.0]
