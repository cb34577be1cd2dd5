"""Pass-through: what comes in goes out again within a day, soon and almost untraded.

Dwell is the median over the money, matched first in, first out, inside the window. Money moved from exchange to
exchange and payments under the holder's own name are marked: arbitrageurs and sellers to persons look like mules.

See docs/methods.md#d12-money-laundering.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, groupby
from pathlib import Path

import pyarrow as pa

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import HOUR_US
from features.kernel.thresholds import Settings
from features.kernel.units import MICRO
from features.patterns.shared.burst_revisions import Version, burst_revisions
from features.patterns.shared.episode import Episode, Measure, Pattern

# Only rows with money the other way within the window can be part of a passage; most transfers have none.
MOVES = """
SELECT account_id, transfer_id, ts, known_from, direction IN ('deposit', 'internal_in') AS inward, asset,
       micro_usd(amount_usd) AS usd, counterparty_type = 'exchange' AS venue,
       coalesce(counterparty_type IN ('bank', 'p2p') AND fiat_name_match, false) AS own_name,
       coalesce(counterparty_account_id, source_address) AS sender
FROM transfers WHERE amount_usd > 0
WINDOW near AS (PARTITION BY account_id ORDER BY ts RANGE BETWEEN $window PRECEDING AND $window FOLLOWING)
QUALIFY count(*) FILTER (WHERE inward) OVER near > 0 AND count(*) FILTER (WHERE NOT inward) OVER near > 0
ORDER BY account_id, known_from, ts, transfer_id, inward
"""

TRADED = """
SELECT p.number, in_64_bits(sum(l.micro)) AS usd
FROM passages AS p JOIN fact_legs AS l
  ON l.account_id = p.account_id AND l.ts BETWEEN p.started_at AND p.ended_at AND l.known_from <= p.known_at
GROUP BY p.number
"""


@dataclass(frozen=True, slots=True)
class Move:
    """A transfer; `usd` in micro-dollars, `sender` null where the schema names none."""

    transfer_id: str
    ts: int
    known_from: int
    inward: bool
    asset: str
    usd: int
    venue: bool
    own_name: bool
    sender: str | None


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """Passages of money, one a window; every later transfer of the window gives a version that supersedes the last."""
    window = int(settings["window_h"] * HOUR_US)
    rows = engine.run(filled(MOVES, window=window)).to_pylist()
    versions: list[tuple[str, Version[Move]]] = []
    for account, group in groupby(rows, key=lambda row: str(row["account_id"])):
        moves = [Move(**{name: row[name] for name in Move.__slots__}) for row in group]
        versions += [(account, version) for version in burst_revisions(moves, [(window, partial(_judged, settings))])]
    traded = _traded(engine, versions)
    for (account, version), volume in zip(versions, traded, strict=True):
        into = float(version.measures["in_usd"] or 0.0)
        if volume < settings["traded_share"] * into:
            yield _episode(account, version, volume / into)


def _judged(settings: Settings, moves: Sequence[Move]) -> Mapping[str, Measure] | None:
    """The measures of the transfers of a window that begins with an inflow, None where they are no passage."""
    if not moves[0].inward:
        return None
    into = sum(move.usd for move in moves if move.inward)
    out = sum(move.usd for move in moves if not move.inward)
    # What was matched is at most the smaller of both, so this holds only what came in first and then went out.
    if into < settings["min_usd"] * MICRO or min(into, out) < settings["pass_share"] * max(into, out):
        return None
    stays = stays_of(moves)
    passed = sum(part for _, part in stays)
    if passed < settings["pass_share"] * max(into, out) or median_stay(stays) >= settings["dwell_h"] * HOUR_US:
        return None
    venues_in = sum(move.usd for move in moves if move.inward and move.venue)
    venues_out = sum(move.usd for move in moves if not move.inward and move.venue)
    own = sum(move.usd for move in moves if move.inward and move.own_name)
    senders = len({move.sender for move in moves if move.inward and move.sender is not None})
    between = min(venues_in / into, venues_out / out) >= settings["venue_share"]
    return {
        "in_usd": into / MICRO,
        "out_usd": out / MICRO,
        "passed_share": passed / max(into, out),
        "dwell_hours": median_stay(stays) / HOUR_US,
        "senders": senders,
        "between_exchanges": between,
        "own_name": own >= settings["own_name_share"] * into and senders < settings["many_senders"],
    }


def stays_of(moves: Iterable[Move]) -> list[tuple[int, int]]:
    """How long the money that left had stayed (microseconds, micro-dollars), first in, first out, shortest first."""
    waiting: list[list[int]] = []
    stays: list[tuple[int, int]] = []
    for move in moves:
        if move.inward:
            waiting.append([move.ts, move.usd])
            continue
        left = move.usd
        while left and waiting:
            part = min(left, waiting[0][1])
            stays.append((move.ts - waiting[0][0], part))
            left -= part
            waiting[0][1] -= part
            if not waiting[0][1]:
                waiting.pop(0)
    return sorted(stays)


def median_stay(stays: Sequence[tuple[int, int]]) -> int:
    """How long the median dollar stayed, in microseconds.

    >>> median_stay([(1, 10), (5, 30), (9, 10)])
    5
    """
    half = sum(part for _, part in stays) / 2
    reached = accumulate(part for _, part in stays)
    return next(stay for (stay, _), so_far in zip(stays, reached, strict=True) if so_far >= half)


def _traded(engine: DuckDBEngine, versions: Sequence[tuple[str, Version[Move]]]) -> list[float]:
    """USD that each account traded from the first to the last transfer of its passage, as known with it."""
    spans = pa.table(
        {
            "number": pa.array(range(len(versions)), pa.int64()),
            "account_id": pa.array([account for account, _ in versions], pa.string()),
            "started_at": pa.array([version.rows[0].ts for _, version in versions], pa.int64()),
            "ended_at": pa.array([version.rows[-1].ts for _, version in versions], pa.int64()),
            "known_at": pa.array([version.known_at for _, version in versions], pa.int64()),
        }
    )
    engine.register("passages", spans)
    volumes = {row["number"]: row["usd"] for row in engine.run(TRADED).to_pylist()}
    return [volumes.get(number, 0) / MICRO for number in range(len(versions))]


def _episode(account: str, version: Version[Move], traded_share: float) -> Episode:
    rows = version.rows
    return Episode(
        pattern="pass_through",
        accounts=(account,),
        symbol="+".join(sorted({row.asset for row in rows})),
        started_at=rows[0].ts,
        ended_at=rows[-1].ts,
        known_at=version.known_at,
        superseded_at=version.superseded_at,
        measures={**version.measures, "traded_share": traded_share},
        evidence=tuple(
            ("transfers", row.transfer_id, row.ts, f"{row.usd / MICRO:,.2f} USD {'in' if row.inward else 'out'}")
            for row in rows
        ),
    )


PASS_THROUGH = Pattern(
    "pass_through",
    "D12",
    "4.4",
    "money that goes out again within hours of coming in, almost untraded",
    Path(__file__).with_suffix(".yaml"),
    {
        **dict.fromkeys(("in_usd", "out_usd", "passed_share", "traded_share", "dwell_hours", "senders"), float),
        **dict.fromkeys(("between_exchanges", "own_name"), bool),
    },
    ("transfers", "fact_legs"),
    detect,
)
