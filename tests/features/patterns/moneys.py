"""Hand-written transfers, and what a pattern finds in them."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from features.activity.snapshot import Activity
from features.patterns.shared.episode import Episode, Pattern
from tests.features.legs import engine_with_legs

T = pd.Timestamp("2025-05-30T10:00:00Z")
Rows = list[dict[str, Any]]


def micros(moment: pd.Timestamp) -> int:
    """A moment as the engine has it."""
    return int(moment.value // 1_000)


def transfer(name: str, hours: float, usd: float, direction: str = "deposit", **more: Any) -> dict[str, Any]:
    """A transfer so many hours after T, from or to a self-hosted wallet of its own."""
    wallet = {"source_address": f"0x{name}"} if direction == "deposit" else {"address": f"0x{name}"}
    return {
        "transfer_id": name,
        "account_id": "A",
        "ts": (T + pd.Timedelta(hours=hours)).floor("us"),
        "direction": direction,
        "asset": "USDT",
        "amount": usd,
        "amount_usd": usd,
        "counterparty_type": "self_hosted",
        **wallet,
        **more,
    }


def found(pattern: Pattern, tables: dict[str, Rows]) -> list[Episode]:
    """Every version of every episode, in the order of the detector."""
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items() if rows}
    for frame in frames.values():
        if "ingested_at" in frame:
            frame["ingested_at"] = pd.to_datetime(frame["ingested_at"], utc=True).astype("datetime64[us, UTC]")
    return list(pattern.detect(engine_with_legs(Activity.from_frames(frames)), pattern.settings))


def holding(episodes: Iterable[Episode]) -> list[Episode]:
    """Those that no later version superseded."""
    return [episode for episode in episodes if episode.superseded_at is None]
