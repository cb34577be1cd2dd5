"""Bursts: much money through an account on its first day, or after a long silence, against its peers' days.

Peers are accounts of the same kind. Their quantile is that of account-days before the day in question, from what was
known when that day began. Silence must have been watched: it counts once the record itself is that long.

See docs/methods.md#d12-money-laundering.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import DAY_US, HOUR_US
from features.kernel.thresholds import Settings
from features.kernel.units import MICRO
from features.patterns.shared.episode import Episode, Pattern

FLOWS = """
CREATE OR REPLACE TEMP TABLE burst_flows AS
SELECT account_id, transfer_id, ts, known_from, asset, direction IN ('deposit', 'internal_in') AS inward,
       micro_usd(amount_usd) AS usd
FROM transfers;
CREATE OR REPLACE TEMP TABLE burst_people AS
SELECT account_id, arg_min(kind, struct_pack(k := known_from, c := created_at)) AS kind,
       arg_min(created_at, struct_pack(k := known_from, c := created_at)) AS created_at, min(known_from) AS known_from
FROM accounts GROUP BY account_id;
"""

PEERS = """
CREATE OR REPLACE TEMP TABLE burst_peers AS
WITH days AS (
    SELECT w.day, f.account_id, f.ts // $day AS on_day, sum(f.usd) AS flow
    FROM (SELECT DISTINCT ts // $day AS day FROM burst_candidates) AS w JOIN burst_flows AS f
      ON f.ts >= (w.day - $peer_days) * $day AND f.ts < w.day * $day AND f.known_from <= w.day * $day
    WHERE f.inward OR $both
    GROUP BY ALL)
SELECT day, kind, in_64_bits(quantile_disc(flow, $quantile)) AS high
FROM days JOIN burst_people USING (account_id) GROUP BY day, kind HAVING count(*) >= $least
"""

# Accounts that received something on their first day.
NEW_ACCOUNTS = """
CREATE OR REPLACE TEMP TABLE burst_candidates AS
SELECT p.account_id, p.kind, p.created_at AS ts, p.created_at + $gone AS known_at,
       in_64_bits(sum(f.usd)) AS deposited
FROM burst_people AS p JOIN burst_flows AS f USING (account_id)
WHERE f.inward AND f.ts >= p.created_at AND f.ts < p.created_at + $first
  AND f.known_from <= p.created_at + $gone AND p.known_from <= p.created_at + $gone
GROUP BY ALL
"""

NEW_BURSTS = """
WITH large AS (
    SELECT c.*, q.high FROM burst_candidates AS c
    JOIN burst_peers AS q ON q.day = c.ts // $day AND q.kind = c.kind AND c.deposited >= q.high),
seen AS (
    SELECT l.account_id, f.transfer_id, f.ts, f.asset, f.inward, f.usd
    FROM large AS l JOIN burst_flows AS f USING (account_id)
    WHERE f.ts >= l.ts AND f.ts < l.known_at AND f.known_from <= l.known_at),
traded AS (
    SELECT l.account_id, in_64_bits(sum(t.micro)) AS usd
    FROM large AS l JOIN fact_legs AS t USING (account_id)
    WHERE t.ts >= l.ts AND t.ts < l.known_at AND t.known_from <= l.known_at GROUP BY l.account_id),
moved AS (
    SELECT account_id, min(ts) AS started_at, max(ts) AS ended_at,
           string_agg(DISTINCT asset, '+' ORDER BY asset) AS asset,
           coalesce(sum(usd) FILTER (WHERE NOT inward), 0) AS out,
           list({'id': transfer_id, 'ts': ts, 'usd': usd, 'inward': inward} ORDER BY usd DESC, ts, transfer_id) AS rows
    FROM seen GROUP BY account_id)
SELECT l.account_id, m.asset, m.started_at, m.ended_at, l.known_at, l.deposited AS usd, l.high, m.rows,
       in_64_bits(m.out) AS out, coalesce(t.usd, 0) AS traded
FROM large AS l JOIN moved AS m USING (account_id) LEFT JOIN traded AS t USING (account_id)
WHERE m.out + coalesce(t.usd, 0) >= $share * l.deposited
ORDER BY l.known_at, l.account_id
"""

# The first transfer after a silence: of transfers as known with it, of trades, and since the record and account began.
DORMANT = """
CREATE OR REPLACE TEMP TABLE burst_candidates AS
WITH woken AS (
    SELECT *, max(ts) OVER (PARTITION BY account_id ORDER BY known_from, ts, transfer_id, inward
                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM burst_flows
    QUALIFY coalesce(ts - before >= $silent, true))
SELECT w.account_id, p.kind, w.ts, w.known_from, w.transfer_id
FROM woken AS w JOIN burst_people AS p USING (account_id)
WHERE p.created_at <= w.ts - $silent AND (SELECT min(known_from) FROM burst_flows) <= w.ts - $silent
  AND NOT EXISTS (SELECT 1 FROM fact_legs AS l WHERE l.account_id = w.account_id AND l.ts >= w.ts - $silent
                  AND l.ts < w.ts AND l.known_from <= w.known_from)
"""

DORMANT_BURSTS = """
WITH grown AS (
    SELECT c.account_id, c.ts AS started_at, c.transfer_id AS first_id, q.high, f.known_from AS known_at,
           sum(f.usd) OVER upto AS usd, max(f.ts) OVER upto AS ended_at, f.transfer_id, f.ts,
           list({'id': f.transfer_id, 'ts': f.ts, 'usd': f.usd, 'inward': f.inward}) OVER upto AS rows,
           string_agg(f.asset, '+') OVER upto AS assets
    FROM burst_candidates AS c
    JOIN burst_peers AS q ON q.day = c.ts // $day AND q.kind = c.kind
    JOIN burst_flows AS f ON f.account_id = c.account_id AND f.ts >= c.ts AND f.ts < c.ts + $first
                         AND f.known_from >= c.known_from
    WINDOW upto AS (PARTITION BY c.account_id, c.transfer_id ORDER BY f.known_from, f.ts, f.transfer_id, f.inward
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))
SELECT account_id, assets AS asset, started_at, ended_at, known_at, in_64_bits(usd) AS usd, high, rows,
       CAST(0 AS BIGINT) AS out, CAST(0 AS BIGINT) AS traded
FROM grown WHERE usd >= high
QUALIFY row_number() OVER (PARTITION BY account_id, first_id ORDER BY known_at, ts, transfer_id) = 1
ORDER BY known_at, account_id
"""
USES = ("accounts", "transfers", "fact_legs")


def new_accounts(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """First days on which more came in than on nearly all days of peers, and most of it went on."""
    engine.connection.execute(FLOWS)
    engine.connection.execute(filled(NEW_ACCOUNTS, first=_first(settings), gone=_gone(settings)))
    engine.connection.execute(_peers(settings, both=False))
    for row in engine.run(filled(NEW_BURSTS, day=DAY_US, share=settings["gone_share"])).to_pylist():
        yield _episode("new_account_burst", row)


def woken_accounts(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """Days after a long silence on which more moved than on nearly all days of peers."""
    engine.connection.execute(FLOWS)
    engine.connection.execute(filled(DORMANT, silent=int(settings["silent_days"] * DAY_US)))
    engine.connection.execute(_peers(settings, both=True))
    for row in engine.run(filled(DORMANT_BURSTS, day=DAY_US, first=_first(settings))).to_pylist():
        yield _episode("dormancy_burst", row)


def _peers(settings: Settings, *, both: bool) -> str:
    return filled(
        PEERS,
        day=DAY_US,
        peer_days=int(settings["peer_days"]),
        quantile=settings["peer_quantile"],
        least=int(settings["min_peer_days"]),
        both=both,
    )


def _first(settings: Settings) -> int:
    return int(settings["first_h"] * HOUR_US)


def _gone(settings: Settings) -> int:
    return int(settings["gone_h"] * HOUR_US)


def _episode(pattern: str, row: dict[str, Any]) -> Episode:
    return Episode(
        pattern=pattern,
        accounts=(row["account_id"],),
        symbol="+".join(sorted(set(row["asset"].split("+")))),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        known_at=row["known_at"],
        measures={
            "moved_usd": row["usd"] / MICRO,
            "peers_usd": row["high"] / MICRO,
            "withdrawn_usd": row["out"] / MICRO,
            "traded_usd": row["traded"] / MICRO,
        },
        evidence=tuple(
            (
                "transfers",
                transfer["id"],
                transfer["ts"],
                f"{transfer['usd'] / MICRO:,.2f} USD {'in' if transfer['inward'] else 'out'}",
            )
            for transfer in row["rows"]
        ),
    )


SETTINGS = Path(__file__).with_suffix(".yaml")
MEASURES: dict[str, type] = dict.fromkeys(("moved_usd", "peers_usd", "withdrawn_usd", "traded_usd"), float)
NEW_ACCOUNT_BURST = Pattern(
    "new_account_burst",
    "D12",
    "4.4",
    "a first day's deposit larger than nearly all days of peers, withdrawn or traded by the second day",
    SETTINGS,
    MEASURES,
    USES,
    new_accounts,
)
DORMANCY_BURST = Pattern(
    "dormancy_burst",
    "D12",
    "4.4",
    "more money in a day after a long silence than nearly all days of peers",
    SETTINGS,
    MEASURES,
    USES,
    woken_accounts,
)
