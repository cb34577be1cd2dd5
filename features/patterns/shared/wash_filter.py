"""Pair lift: how often two accounts met in a market over how often anonymous matching would let them.

Everyone trades with the market makers, so the graph of who trades with whom says nothing until pairs are filtered.
Expected is what maker and taker counts alone would give: (made_a * took_b + made_b * took_a) / all trades. Two accounts
that make a share of a market between themselves cannot be lifted above 2 / share, nor look improbable, however little
they meet others; so a pair also passes if each did at least half of its trades in the market with the other.

See docs/methods.md#d03-wash-trading.
"""

from pathlib import Path

import pandas as pd
from scipy.special import pdtrc

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import DAY_US
from features.kernel.thresholds import Settings, read_thresholds

FILTER_FILE = Path(__file__).parents[1] / "wash.yaml"

# The activity of an engine never changes, so what was counted for one pattern serves the next.
# A trade counts in every run at which it is inside the window and known; runs are grid days (midnight, UTC).
TRADED = """
CREATE TEMP TABLE IF NOT EXISTS wash_met AS
SELECT symbol, product, maker_account_id AS maker, taker_account_id AS taker, ts // $day AS day,
       (greatest(ts + 1, known_from) + $day - 1) // $day AS first_grid, count(*) AS n,
       sum(micro_usd(notional_usd)) AS volume,
       sum(micro_usd(notional_usd) * CASE taker_side WHEN 'buy' THEN 1 ELSE -1 END) AS taken,
       min(ts) AS first_ts, max(ts) AS last_ts
FROM trades WHERE NOT liquidation GROUP BY ALL
"""
PAIRS = """
CREATE TEMP TABLE IF NOT EXISTS wash_candidates AS
WITH often AS (
    SELECT symbol, product, least(maker, taker) AS a, greatest(maker, taker) AS b
    FROM wash_met WHERE maker <> taker GROUP BY ALL HAVING sum(n) >= $least)
SELECT m.symbol, m.product, a, b, grid, in_64_bits(sum(n)) AS n, sum(volume) / 1000000 AS volume,
       abs(sum(CASE WHEN taker = a THEN taken ELSE -taken END)) / 1000000 AS net,
       min(first_ts) AS first_ts, max(last_ts) AS last_ts, bool_or(first_grid = grid) AS traded
FROM wash_met AS m JOIN often AS o ON (m.symbol, m.product, least(m.maker, m.taker), greatest(m.maker, m.taker))
                                    = (o.symbol, o.product, o.a, o.b),
     unnest(generate_series(first_grid, day + $window)) AS g(grid)
GROUP BY ALL HAVING sum(n) >= $least
"""
MARGINS = """
CREATE TEMP TABLE IF NOT EXISTS wash_lifted AS
WITH asked AS (SELECT DISTINCT symbol, product, grid FROM wash_candidates),
people AS (
    SELECT symbol, product, a AS account FROM wash_candidates
    UNION SELECT symbol, product, b FROM wash_candidates),
sides AS (
    SELECT symbol, product, maker AS account, day, first_grid, n AS made, 0 AS took FROM wash_met
    UNION ALL SELECT symbol, product, taker, day, first_grid, 0, n FROM wash_met),
daily AS (
    SELECT symbol, product, account, day, first_grid,
           in_64_bits(sum(made)) AS made, in_64_bits(sum(took)) AS took
    FROM sides SEMI JOIN asked USING (symbol, product) GROUP BY ALL),
runs AS (
    SELECT * FROM (
        SELECT symbol, product, account, grid, made, took
        FROM daily, unnest(generate_series(first_grid, day + $window)) AS g(grid))
    SEMI JOIN asked USING (symbol, product, grid)),
market AS (
    SELECT symbol, product, grid, sum(made) AS n, count(DISTINCT account) AS participants FROM runs GROUP BY ALL),
margin AS (
    SELECT symbol, product, account, grid, sum(made) AS made, sum(took) AS took
    FROM runs SEMI JOIN people USING (symbol, product, account) GROUP BY ALL),
expected AS (
    SELECT c.*, k.participants,
           CAST(ma.made * mb.took + mb.made * ma.took AS DOUBLE) / CAST(k.n AS DOUBLE) AS expected,
           CAST(c.n AS DOUBLE) / CAST(greatest(ma.made + ma.took, mb.made + mb.took) AS DOUBLE) AS mutual_share
    FROM wash_candidates AS c JOIN market AS k USING (symbol, product, grid)
    JOIN margin AS ma ON (ma.symbol, ma.product, ma.grid, ma.account) = (c.symbol, c.product, c.grid, c.a)
    JOIN margin AS mb ON (mb.symbol, mb.product, mb.grid, mb.account) = (c.symbol, c.product, c.grid, c.b))
SELECT *, n / expected AS lift, participants < $participants AS thin_market FROM expected
WHERE n >= $lift * expected OR mutual_share >= $mutual_share OR participants < $participants
"""


def filter_settings() -> Settings:
    """The numbers of the pair filter, which pairs, rings and round trips share."""
    return read_thresholds(FILTER_FILE).values


def proven_pairs(pairs: pd.DataFrame) -> pd.Series:
    """Which of the lifted pairs met often enough, beyond chance or mostly each other, in a market of enough people."""
    settings = filter_settings()
    beyond = (pairs["p_value"] < settings["p_value"]) | (pairs["mutual_share"] >= settings["mutual_share"])
    proven: pd.Series = ~pairs["thin_market"] & (pairs["n"] >= settings["min_trades"]) & beyond
    return proven


def prepare_counts(engine: DuckDBEngine) -> None:
    """Gives the engine `wash_met`: trades per market, maker, taker and day, by the first daily run that sees them."""
    engine.connection.execute(filled(TRADED, day=DAY_US))


def lifted_pairs(engine: DuckDBEngine) -> pd.DataFrame:
    """Pairs of each daily run that met beyond chance, or hardly anybody else; in thin markets all that met often.

    Returns:
        symbol, product, grid (the run's midnight in days since 1970), a < b, n, volume and net in USD, first_ts,
        last_ts, traded (whether this run saw trades that none before could), participants, expected, lift,
        mutual_share (n over the trades of whichever of the two traded more), p_value (the Poisson chance of n or
        more), thin_market; ordered by grid, symbol, product, a, b.
    """
    settings = filter_settings()
    prepare_counts(engine)
    window = int(settings["window_days"])
    engine.connection.execute(filled(PAIRS, window=window, least=int(settings["considered_trades"])))
    engine.connection.execute(
        filled(
            MARGINS,
            window=window,
            lift=float(settings["lift"]),
            mutual_share=float(settings["mutual_share"]),
            participants=int(settings["min_participants"]),
        )
    )
    pairs = engine.frame("SELECT * FROM wash_lifted ORDER BY grid, symbol, product, a, b")
    return pairs.assign(p_value=pdtrc(pairs["n"] - 1.0, pairs["expected"]))  # P(N >= n) of a Poisson count
