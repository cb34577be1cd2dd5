"""Structuring: transfers kept just below a reporting threshold, several within a day or a week.

That they add up to the threshold needs no condition: three times 0.8 of it is more. The platform's own withdrawal
limits, the more realistic target, are not in the schema. A standing order of one amount is left out, and transfers
with known exchanges are marked: they move inventory, and the exchanges record them.

See docs/methods.md#d12-money-laundering.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import DAY_US, HOUR_US
from features.kernel.thresholds import Settings
from features.kernel.units import MICRO
from features.patterns.shared.burst_revisions import Version, burst_revisions
from features.patterns.shared.episode import Episode, Measure, Pattern

# A row that sums up several transfers has no amount of its own. Only accounts with enough rows below are looked at.
NEAR = """
WITH near AS (
    SELECT account_id, transfer_id, ts, known_from, direction, asset, t.threshold,
           counterparty_type = 'exchange' AS venue,
           micro_usd(amount_usd) AS usd
    FROM transfers, unnest(CAST($thresholds AS BIGINT[])) AS t(threshold)
    WHERE coalesce(n_events, 1) = 1
      AND micro_usd(amount_usd) >= CAST(round($below * t.threshold * 1000000) AS BIGINT)
      AND micro_usd(amount_usd) < CAST(round($above * t.threshold * 1000000) AS BIGINT))
SELECT * FROM near
QUALIFY count(*) FILTER (WHERE usd < threshold * 1000000) OVER (PARTITION BY account_id, threshold) >= $least
ORDER BY account_id, threshold, known_from, ts, transfer_id, direction
"""


@dataclass(frozen=True, slots=True)
class ThresholdTransfer:
    """A transfer near a threshold; `usd` in micro-dollars."""

    transfer_id: str
    ts: int
    known_from: int
    direction: str
    asset: str
    usd: int
    venue: bool
    below: bool


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """Bursts of transfers just below a threshold; each further transfer gives a version that supersedes the last."""
    rows = engine.run(
        filled(
            NEAR,
            thresholds=[int(limit) for limit in settings["thresholds_usd"]],
            below=settings["below_share"],
            above=settings["above_share"],
            least=min(settings["min_in_a_day"], settings["min_in_a_week"]),
        )
    )
    for (account, threshold), group in groupby(rows.to_pylist(), key=lambda row: (row["account_id"], row["threshold"])):
        limit = threshold * MICRO
        near = [
            ThresholdTransfer(
                **{name: row[name] for name in ThresholdTransfer.__slots__ if name != "below"}, below=row["usd"] < limit
            )
            for row in group
        ]
        above = [row for row in near if not row.below]
        openings = [
            (
                int(settings[f"{span}_h"] * HOUR_US),
                partial(_judged, above, settings, int(settings[f"min_in_a_{span}"])),
            )
            for span in ("day", "week")
        ]
        for version in burst_revisions([row for row in near if row.below], openings):
            yield _episode(account, threshold, version)


def _judged(
    above: Sequence[ThresholdTransfer], settings: Settings, least: int, rows: Sequence[ThresholdTransfer]
) -> Mapping[str, Measure] | None:
    """The measures of transfers below a threshold inside one window, None where they are no structuring."""
    if len(rows) < least:
        return None
    known_at = max(row.known_from for row in rows)
    since = rows[-1].ts - int(settings["concentration_days"] * DAY_US)
    over = sum(since <= row.ts <= rows[-1].ts and row.known_from <= known_at for row in above)
    days = len({row.ts // DAY_US for row in rows})
    amounts = len({row.usd for row in rows})
    standing_order = amounts == 1 and days > settings["same_amount_days"] * len(rows)
    if len(rows) < settings["below_to_above"] * over or standing_order:
        return None
    return {
        "transfers": len(rows),
        "total_usd": sum(row.usd for row in rows) / MICRO,
        "just_above": over,
        "below_to_above": len(rows) / max(over, 1),
        "different_amounts": amounts,
        "days": days,
        "between_exchanges": sum(row.venue for row in rows) >= settings["venue_share"] * len(rows),
        "hours": (rows[-1].ts - rows[0].ts) / HOUR_US,
    }


def _episode(account: str, threshold: int, version: Version[ThresholdTransfer]) -> Episode:
    rows = version.rows
    return Episode(
        pattern="structuring",
        accounts=(account,),
        symbol="+".join(sorted({row.asset for row in rows})),
        started_at=rows[0].ts,
        ended_at=rows[-1].ts,
        known_at=version.known_at,
        superseded_at=version.superseded_at,
        measures={"threshold_usd": float(threshold), **version.measures},
        evidence=tuple(
            (
                "transfers",
                row.transfer_id,
                row.ts,
                f"{row.direction.replace('_', ' ')} of {row.usd / MICRO:,.2f} USD, just below {threshold:,} USD",
            )
            for row in rows
        ),
    )


STRUCTURING = Pattern(
    "structuring",
    "D12",
    "4.4",
    "several transfers just below a reporting threshold within a day or a week",
    Path(__file__).with_suffix(".yaml"),
    {
        **dict.fromkeys(("threshold_usd", "transfers", "total_usd", "just_above", "below_to_above"), float),
        **dict.fromkeys(("different_amounts", "days", "hours"), float),
        "between_exchanges": bool,
    },
    ("transfers",),
    detect,
)
