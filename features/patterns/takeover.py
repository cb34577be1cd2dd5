"""Account takeover: changed credentials, a new device or network, a new address, and most of the balance leaving.

Judged when a withdrawal is known, over what was known by then of the 48 hours before it. Which signs there are is
measured; how many of them mean what, the policy says. Without a known balance the fourth sign is held to be missing.

See docs/methods.md#d23-cooling-off-and-account-takeover.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.engines.compiling import compiled
from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.facts.access import CREDENTIAL_EVENTS, SESSIONS
from features.kernel.moments import HOUR_US
from features.kernel.thresholds import Settings
from features.kernel.units import MICRO
from features.patterns.shared.episode import EVIDENCE_ROWS, Episode, Measure, Pattern

LOGINS = """
SELECT account_id, ts, known_from, row_id, device_id, network, impossible_travel, concealed OR hosting AS concealed"""

# A device or network is new in the account's session that was first known to use it, if the account was used before.
SIGNS = """
CREATE OR REPLACE TEMP TABLE takeover_signs AS
WITH placed AS (
    SELECT *, min(ts) OVER early AS used_from,
           device_id IS NOT NULL AND row_number() OVER of_device = 1 AS new_device,
           row_number() OVER of_network = 1 AS new_network
    FROM takeover_sessions
    WINDOW early AS (PARTITION BY account_id ORDER BY known_from, ts, row_id
                     ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
           of_device AS (PARTITION BY account_id, device_id ORDER BY known_from, ts, row_id),
           of_network AS (PARTITION BY account_id, network ORDER BY known_from, ts, row_id))
SELECT account_id, ts, known_from, row_id, 'session' AS kind, NULL AS address, new_device, new_network,
       impossible_travel, concealed
FROM placed WHERE (new_device OR new_network) AND ts - used_from >= $settled
UNION ALL
SELECT account_id, ts, known_from, event_id,
       CASE WHEN event = 'withdrawal_address_added' THEN 'address' WHEN event = 'failed_login' THEN 'failed'
            ELSE 'credential' END,
       address, false, false, false, false
FROM security_events
WHERE event IN $credentials OR event IN ('withdrawal_address_added', 'failed_login');
"""

CANDIDATES = """
CREATE OR REPLACE TEMP TABLE takeover_candidates AS
WITH leaving AS (
    SELECT account_id, transfer_id, ts, known_from, asset, address,
           coalesce(ts - address_first_seen_at < $young, false) AS young_address
    FROM transfers WHERE direction IN ('withdrawal', 'internal_out') AND amount_usd >= $min_usd),
signed AS (
    SELECT w.account_id, w.transfer_id, w.asset, w.ts, w.known_from AS known_at, w.young_address,
           min(s.ts) FILTER (WHERE s.kind <> 'failed') AS first_sign,
           max(s.ts) FILTER (WHERE s.kind = 'credential') AS changed_at,
           coalesce(bool_or(s.new_device), false) AS new_device,
           coalesce(bool_or(s.new_network), false) AS new_network,
           coalesce(bool_or(s.kind = 'address' AND coalesce(s.address = w.address, true)), false) AS new_address,
           count(*) FILTER (WHERE s.kind = 'failed') AS failed_logins,
           coalesce(bool_or(s.impossible_travel), false) AS impossible_travel,
           coalesce(bool_or(s.concealed), false) AS concealed
    FROM leaving AS w JOIN takeover_signs AS s
      ON s.account_id = w.account_id AND s.ts <= w.ts AND s.ts > w.ts - $window AND s.known_from <= w.known_from
    GROUP BY ALL)
SELECT * FROM signed
WHERE (changed_at IS NOT NULL)::INT + (new_device OR new_network)::INT + (new_address OR young_address)::INT
      >= $min_signs - 1
  AND first_sign IS NOT NULL
"""

# What was there when the first sign showed: the last snapshot of holdings and what moved since.
BALANCES = """
WITH dated AS (
    SELECT c.*, b.ts AS held_at, b.asset AS held, b.known_from AS held_known,
           micro_usd(b.amount_usd) AS held_usd,
           max(b.ts) OVER (PARTITION BY c.account_id, c.transfer_id) AS snapshot_at
    FROM takeover_candidates AS c LEFT JOIN balances AS b
      ON b.account_id = c.account_id AND b.ts <= c.first_sign AND b.ts > c.first_sign - $balance
     AND b.known_from <= c.known_at),
newest AS (
    SELECT account_id, transfer_id, held, snapshot_at,
           arg_max(held_usd, struct_pack(t := held_at, k := held_known, u := held_usd)) AS usd
    FROM dated WHERE held_at > snapshot_at - $snapshot GROUP BY ALL),
held AS (SELECT account_id, transfer_id, snapshot_at, sum(usd) AS usd FROM newest GROUP BY ALL),
moves AS (
    SELECT account_id, transfer_id, ts, known_from, direction IN ('deposit', 'internal_in') AS inward,
           micro_usd(amount_usd) AS usd
    FROM transfers SEMI JOIN takeover_candidates USING (account_id)),
moved AS (
    SELECT c.account_id, c.transfer_id,
           coalesce(sum(CASE WHEN m.inward THEN m.usd ELSE -m.usd END)
                    FILTER (WHERE m.ts > h.snapshot_at AND m.ts < c.first_sign), 0) AS since,
           coalesce(sum(m.usd) FILTER (WHERE NOT m.inward AND m.ts >= c.first_sign), 0) AS withdrawn
    FROM takeover_candidates AS c LEFT JOIN held AS h USING (account_id, transfer_id)
    JOIN moves AS m ON m.account_id = c.account_id AND m.ts <= c.ts AND m.known_from <= c.known_at
    GROUP BY ALL),
sold AS (
    SELECT c.account_id, c.transfer_id, sum(l.micro) AS usd
    FROM takeover_candidates AS c JOIN (FROM fact_legs WHERE product = 'spot' AND side = 'sell') AS l
      ON l.account_id = c.account_id AND l.ts BETWEEN c.first_sign AND c.ts AND l.known_from <= c.known_at
    GROUP BY ALL)
SELECT c.*, in_64_bits(m.withdrawn) AS withdrawn, in_64_bits(h.usd + m.since) AS balance,
       in_64_bits(coalesce(s.usd, 0)) AS sold
FROM takeover_candidates AS c JOIN moved AS m USING (account_id, transfer_id)
LEFT JOIN held AS h USING (account_id, transfer_id) LEFT JOIN sold AS s USING (account_id, transfer_id)
ORDER BY c.account_id, c.known_at, c.ts, c.transfer_id
"""

EVIDENCE = """
SELECT f.number, 'security_events' AS source, s.row_id, s.ts,
       CASE s.kind WHEN 'failed' THEN 'failed login' WHEN 'address' THEN 'withdrawal address added'
                   ELSE 'credentials changed' END AS text
FROM takeover_found AS f JOIN takeover_signs AS s
  ON s.account_id = f.account_id AND s.ts <= f.ts AND s.ts > f.ts - $window AND s.known_from <= f.known_at
WHERE s.kind <> 'session'
UNION ALL
SELECT f.number, 'sessions', s.row_id, s.ts,
       'login from a new ' || CASE WHEN s.new_device AND s.new_network THEN 'device and network'
                                   WHEN s.new_device THEN 'device' ELSE 'network' END
FROM takeover_found AS f JOIN takeover_signs AS s
  ON s.account_id = f.account_id AND s.ts <= f.ts AND s.ts > f.ts - $window AND s.known_from <= f.known_at
WHERE s.kind = 'session'
UNION ALL
SELECT f.number, 'transfers', t.transfer_id, t.ts, format('{:,.2f} USD sent', t.amount_usd)
FROM takeover_found AS f JOIN transfers AS t
  ON t.account_id = f.account_id AND t.ts BETWEEN f.first_sign AND f.ts AND t.known_from <= f.known_at
WHERE t.direction IN ('withdrawal', 'internal_out')
ORDER BY number, ts, source, row_id
"""


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """Withdrawals that show signs of a takeover; a later one with as many signs supersedes the one before."""
    engine.create("takeover_sessions", f"{LOGINS} FROM ({compiled(SESSIONS.rows)}) WHERE enters", temporary=True)
    window = int(settings["window_h"] * HOUR_US)
    settled = int(settings["settled_h"] * HOUR_US)
    engine.connection.execute(filled(SIGNS, credentials=CREDENTIAL_EVENTS, settled=settled))
    engine.connection.execute(
        filled(
            CANDIDATES,
            window=window,
            young=int(settings["young_address_h"] * HOUR_US),
            min_usd=settings["min_usd"],
            min_signs=int(settings["min_signs"]),
        )
    )
    balances = filled(
        BALANCES,
        balance=int(settings["balance_days"] * 24 * HOUR_US),
        snapshot=int(settings["snapshot_h"] * HOUR_US),
    )
    rows = [row for row in engine.run(balances).to_pylist() if _signs(row, settings) >= settings["min_signs"]]
    columns = {name: [row[name] for row in rows] for name in ("account_id", "ts", "known_at", "first_sign")}
    numbers = pa.array(range(len(rows)), pa.int64())
    kinds = {"account_id": pa.string()}
    arrays = {name: pa.array(column, kinds.get(name, pa.int64())) for name, column in columns.items()}
    engine.register("takeover_found", pa.table({"number": numbers, **arrays}))
    evidence: dict[int, list[tuple[str, str, int, str]]] = {number: [] for number in range(len(rows))}
    for source_row in engine.run(filled(EVIDENCE, window=window)).to_pylist():
        evidence[source_row["number"]].append(
            (source_row["source"], source_row["row_id"], source_row["ts"], source_row["text"])
        )
    yield from _grouped([_episode(row, evidence[number], settings) for number, row in enumerate(rows)])


def _share(row: Mapping[str, Any]) -> float | None:
    """How much of what was there has left, at most all of it; None where it is not known what was there."""
    if row["balance"] is None:
        return None
    return float(min(row["withdrawn"] / row["balance"], 1.0)) if row["balance"] > 0 else 1.0


def _signs(row: Mapping[str, Any], settings: Settings) -> int:
    """How many of the four signs a withdrawal shows."""
    return sum(
        (
            row["changed_at"] is not None,
            row["new_device"] or row["new_network"],
            row["new_address"] or row["young_address"],
            (_share(row) or 0.0) >= settings["balance_share"],
        )
    )


def _episode(row: Mapping[str, Any], evidence: list[tuple[str, str, int, str]], settings: Settings) -> Episode:
    changed = row["changed_at"]
    balance = row["balance"]
    measures: dict[str, Measure] = {
        "signs": _signs(row, settings),
        "credential_change": changed is not None,
        **{name: row[name] for name in ("new_device", "new_network", "new_address", "young_address")},
        "withdrawn_usd": row["withdrawn"] / MICRO,
        "balance_usd": None if balance is None else balance / MICRO,
        "balance_share": _share(row),
        "sold_share": min(row["sold"] / balance, 1.0) if balance and balance > 0 else None,
        "hours_from_change": None if changed is None else (row["ts"] - changed) / HOUR_US,
        "failed_logins": row["failed_logins"],
        "impossible_travel": row["impossible_travel"],
        "concealed": row["concealed"],
    }
    return Episode(
        pattern="takeover",
        accounts=(row["account_id"],),
        symbol=row["asset"],
        started_at=row["first_sign"],
        ended_at=row["ts"],
        known_at=row["known_at"],
        measures=measures,
        evidence=tuple(evidence[-EVIDENCE_ROWS:]),
        evidence_total=len(evidence),
    )


def _grouped(episodes: list[Episode]) -> Iterator[Episode]:
    """One takeover is one episode at a time: of overlapping ones of an account the newest with the most signs holds."""
    pending: Episode | None = None
    for episode in episodes:
        same = pending is not None and pending.accounts == episode.accounts and episode.started_at <= pending.ended_at
        if pending is None or not same:
            if pending is not None:
                yield pending
            pending = episode
        elif float(episode.measures["signs"] or 0) >= float(pending.measures["signs"] or 0):
            if episode.known_at > pending.known_at:
                yield replace(pending, superseded_at=episode.known_at)
            pending = episode
    if pending is not None:
        yield pending


TAKEOVER = Pattern(
    "takeover",
    "D23",
    "6",
    "changed credentials, a new device or network, a new address, and most of the balance leaving",
    Path(__file__).with_suffix(".yaml"),
    {
        **dict.fromkeys(
            (
                "signs",
                "withdrawn_usd",
                "balance_usd",
                "balance_share",
                "sold_share",
                "hours_from_change",
                "failed_logins",
            ),
            float,
        ),
        **dict.fromkeys(
            (
                "credential_change",
                "new_device",
                "new_network",
                "new_address",
                "young_address",
                "impossible_travel",
                "concealed",
            ),
            bool,
        ),
    },
    ("accounts", "balances", "security_events", "sessions", "transfers", "fact_legs"),
    detect,
)
