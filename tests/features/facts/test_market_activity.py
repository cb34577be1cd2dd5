"""Market spells: an account's hour or day in a market, with the market's, as known when it ended."""

from datetime import timedelta
from typing import Any

from features.facts.market_activity import MARKET_DAYS, MARKET_HOURS
from features.kernel.units import MICRO
from tests.features.patterns.trading_floor import DAY, MIDNIGHT_US, floor, sale

NOON = DAY + timedelta(hours=12)


def spells(trades: list[dict[str, Any]], account: str = "A") -> list[dict[str, Any]]:
    """The account's hours."""
    engine = floor(trades)
    engine.create("spells", MARKET_HOURS.rows)
    found: list[dict[str, Any]] = engine.run(
        "SELECT * FROM spells WHERE account_id = ? ORDER BY ts, row_id", [account]
    ).to_pylist()
    return found


def test_an_hour_holds_what_was_traded_and_what_is_left_of_it() -> None:
    (hour,) = spells([sale("A", "B", NOON, 10.0), sale("C", "A", NOON + timedelta(minutes=59), 9.0)])
    assert (hour["volume"], hour["net"]) == (1_900 * MICRO, 100 * MICRO)
    assert hour["known_from"] == hour["ts"] + 1 == int((NOON + timedelta(hours=1)).timestamp() * 1e6)


def test_hours_and_markets_are_apart() -> None:
    later = sale("B", "A", NOON + timedelta(hours=1), 10.0)
    futures = sale("B", "A", NOON, 10.0, product="perp")
    assert [hour["net"] for hour in spells([sale("A", "B", NOON, 10.0), later, futures])] == [1_000 * MICRO] * 3


def test_a_trade_that_arrives_after_the_hour_stays_out() -> None:
    late = sale("A", "C", NOON, 5.0, ingested_at=NOON + timedelta(hours=1, seconds=1))
    (hour,) = spells([sale("A", "B", NOON, 10.0), late])
    assert hour["volume"] == 1_000 * MICRO


def test_a_day_knows_the_accounts_part_of_its_market() -> None:
    engine = floor([sale("A", "B", NOON, 1.0), sale("C", "D", NOON, 3.0), sale("E", "E", NOON, 4.0)])
    engine.create("spells", MARKET_DAYS.rows)
    rows = engine.run("SELECT account_id, market_share_micro, known_from FROM spells ORDER BY account_id").to_pylist()
    assert {row["known_from"] for row in rows} == {MIDNIGHT_US}
    assert [(row["account_id"], row["market_share_micro"]) for row in rows] == [
        ("A", 125_000),
        ("B", 125_000),
        ("C", 375_000),
        ("D", 375_000),
        ("E", 1_000_000),
    ]
