"""Wash pairs: two accounts that meet far more often than random matching would let them, or mostly each other.

A pair alone proves nothing (two market makers of a thin symbol are one): it is an edge of rings, a feature for models.
A global pattern: it runs at each UTC midnight over the trailing window.

See docs/methods.md#d03-wash-trading.
"""

from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

from features.engines.duckdb import DuckDBEngine
from features.kernel.moments import DAY_US
from features.kernel.thresholds import Settings
from features.patterns.shared.daily_runs import Finding, versions
from features.patterns.shared.episode import Episode, Pattern
from features.patterns.shared.wash_filter import lifted_pairs, proven_pairs


def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
    """Pairs that no chance explains, in markets of enough people; a version whenever they traded again."""
    pairs = lifted_pairs(engine)
    yield from versions(
        Finding((row["symbol"], row["product"], row["a"], row["b"]), row["grid"], row["traded"], _episode(row))
        for row in pairs[proven_pairs(pairs)].to_dict("records")
    )


def _episode(row: dict[Hashable, Any]) -> Episode:
    return Episode(
        pattern="wash_pair",
        accounts=(row["a"], row["b"]),
        symbol=row["symbol"],
        started_at=row["first_ts"],
        ended_at=row["last_ts"],
        known_at=row["grid"] * DAY_US,
        measures={
            "trades": row["n"],
            "expected_trades": row["expected"],
            "lift": row["lift"],
            "mutual_share": row["mutual_share"],
            "p_value": row["p_value"],
            "volume_usd": row["volume"],
            "net_share": row["net"] / row["volume"] if row["volume"] else 0.0,
            "participants": row["participants"],
            "perp": row["product"] == "perp",
        },
        evidence=(),
    )


WASH_PAIR = Pattern(
    "wash_pair",
    "D03",
    "5.3",
    "two accounts trading with each other far more often than chance, or mostly with each other",
    Path(__file__).with_suffix(".yaml"),
    {
        **dict.fromkeys(
            ("trades", "expected_trades", "lift", "mutual_share", "p_value", "volume_usd", "net_share", "participants"),
            float,
        ),
        "perp": bool,
    },
    ("trades",),
    detect,
)
