"""Round trips (W3): a trade that the same two accounts reverse within minutes, in the same size.

Chainalysis counts any buy and sell of one account, on pools where nobody meets a person. In an order book that would be
every scalper, grid bot and market maker: they turn around against whoever is there, and carry the price in between.
So here the counterparty must be the same one, and one whom this account meets more often than chance (the pair's lift
over random matching): the maker whom everybody meets is not.

See docs/methods.md#d03-wash-trading.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import DAY_US
from features.kernel.thresholds import Settings
from features.kernel.units import MICRO
from features.patterns.shared.episode import Episode, Pattern
from features.patterns.shared.trades_of_people import find_trades_of_people, sold
from features.patterns.shared.wash_filter import filter_settings, lifted_pairs

PLACE = ("grid", "day", "symbol", "product", "a", "b")

# A day is judged at its end, and again at each run that learned of more trades, with the lift of that run.
TRADES = """
WITH known AS (
    SELECT p.grid, a.account_id, arg_max(a.market_maker, a.known_from) AS market_maker
    FROM (SELECT DISTINCT grid, a AS account_id FROM wash_lifted UNION SELECT grid, b FROM wash_lifted) AS p
    JOIN accounts AS a ON a.account_id = p.account_id AND a.known_from <= p.grid * $day GROUP BY ALL),
makers AS (SELECT grid, account_id FROM known WHERE market_maker)
SELECT p.grid, t.ts // $day AS day, p.symbol, p.product, p.a, p.b, p.lift, t.trade_id, t.ts, t.units, t.volume,
       t.first_grid, t.maker_account_id AS maker, t.taker_account_id AS taker, t.taker_side,
       (t.taker_side = 'buy') = (t.taker_account_id = p.a) AS a_buys,
       (ma.account_id IS NOT NULL)::INT + (mb.account_id IS NOT NULL)::INT AS market_makers
FROM wash_lifted AS p JOIN trades_of_people AS t
  ON t.symbol = p.symbol AND t.product = p.product
 AND least(t.maker_account_id, t.taker_account_id) = p.a AND greatest(t.maker_account_id, t.taker_account_id) = p.b
 AND t.first_grid <= p.grid AND t.ts // $day BETWEEN p.grid - $lateness AND p.grid - 1
LEFT JOIN makers AS ma ON ma.grid = p.grid AND ma.account_id = p.a
LEFT JOIN makers AS mb ON mb.grid = p.grid AND mb.account_id = p.b
WHERE NOT p.thin_market AND p.n >= $lift * p.expected AND NOT t.by_engine
QUALIFY bool_or(t.first_grid = p.grid) OVER (PARTITION BY p.grid, t.ts // $day, p.symbol, p.product, p.a, p.b)
ORDER BY p.grid, day, p.symbol, p.product, p.a, p.b, t.ts, t.trade_id
"""


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """One episode a pair, market and UTC day with any round trip; a version whenever more trades became known."""
    lifted_pairs(engine)
    lift = float(filter_settings()["lift"])
    lateness = int(settings["lateness_days"])
    engine.connection.execute(
        "CREATE OR REPLACE TEMP TABLE people_asked AS SELECT DISTINCT a AS account_id FROM wash_lifted"
    )
    find_trades_of_people(engine)
    judged_trades = engine.run(filled(TRADES, day=DAY_US, lateness=lateness, lift=lift)).to_pylist()
    by_place: dict[tuple[Any, ...], list[Episode]] = {}
    for place, rows in groupby(judged_trades, key=lambda row: tuple(row[name] for name in PLACE)):
        trades = list(rows)
        trips = _trips(trades, settings)
        if trips:
            until = (trades[0]["day"] + lateness + 1) * DAY_US
            by_place.setdefault(place[1:], []).append(_episode(trades, trips, until))
    for judged in by_place.values():
        for episode, later in zip_longest(judged, judged[1:]):
            yield replace(episode, superseded_at=later.known_at) if later else episode


def _trips(trades: list[dict[str, Any]], settings: Settings) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each trade with the next one of the pair if that takes it back; no trade belongs to two round trips."""
    trips = []
    waiting: dict[str, Any] | None = None
    for trade in trades:
        if waiting is not None and _takes_back(waiting, trade, settings):
            trips.append((waiting, trade))
            waiting = None
        else:
            waiting = trade
    return trips


def _takes_back(first: dict[str, Any], then: dict[str, Any], settings: Settings) -> bool:
    sizes = int(first["units"]), int(then["units"])
    return bool(
        first["a_buys"] != then["a_buys"]
        and then["ts"] - first["ts"] <= settings["apart_s"] * MICRO
        and max(sizes) - min(sizes) < settings["size_difference"] * max(sizes)
    )


def _episode(trades: list[dict[str, Any]], trips: list[tuple[dict[str, Any], dict[str, Any]]], until: int) -> Episode:
    first = trades[0]
    legs = [leg for trip in trips for leg in trip]
    return Episode(
        pattern="round_trips",
        accounts=(first["a"], first["b"]),
        symbol=first["symbol"],
        started_at=legs[0]["ts"],
        ended_at=legs[-1]["ts"],
        known_at=first["grid"] * DAY_US,
        superseded_at=until,
        measures={
            "round_trips": len(trips),
            "trades": len(trades),
            "volume_usd": sum(leg["volume"] for leg in legs) / MICRO,
            "longest_s": max(back["ts"] - there["ts"] for there, back in trips) / MICRO,
            "lift": first["lift"],
            "market_makers": first["market_makers"],
            "perp": first["product"] == "perp",
        },
        evidence=tuple(("trades", leg["trade_id"], leg["ts"], sold(leg)) for leg in legs),
        links=((first["a"], first["b"], "round_trips", f"{len(trips)} round trips", first["lift"]),),
    )


ROUND_TRIPS = Pattern(
    "round_trips",
    "D03",
    "5.3",
    "trades that the same two accounts reverse within minutes in the same size, on one day",
    Path(__file__).with_suffix(".yaml"),
    {
        **dict.fromkeys(("round_trips", "trades", "volume_usd", "longest_s", "lift", "market_makers"), float),
        "perp": bool,
    },
    ("accounts", "order_events", "trades"),
    detect,
)
