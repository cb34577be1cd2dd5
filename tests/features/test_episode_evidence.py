"""What an episode measured follows from its evidence alone: the rows, looked up by table and id, give it again."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from features.activity.schema import TABLES
from features.evidence import MAX_ROWS, EpisodeEvidence, episode_evidence
from features.kernel.errors import NotFound
from features.pipeline import Features

END = pd.Timestamp("2025-06-08T00:00:00Z")
IDS = {"participations": "event_id", "order_events": "order_id", "trades": "trade_id", "transfers": "transfer_id"}
Rows = dict[str, pd.DataFrame]
Again = Callable[[Rows, dict[str, Any]], dict[str, float]]


def _placed(rows: Rows, event: str) -> pd.DataFrame:
    orders = rows["order_events"]
    return orders[orders["event"] == event]


def _spoof(rows: Rows, _measures: dict[str, Any]) -> dict[str, float]:
    (new,), (cancel,) = (_placed(rows, event).to_dict("records") for event in ("new", "cancel"))
    return {
        "notional_usd": new["price"] * new["quantity"],
        "life_s": (cancel["ts"] - new["ts"]) / 1e6,
        "filled_opposite_usd": rows["trades"]["notional_usd"].sum(),
    }


def _layer(rows: Rows, _measures: dict[str, Any]) -> dict[str, float]:
    new = _placed(rows, "new")
    return {
        "orders": len(new),
        "levels": new["price"].nunique(),
        "notional_usd": (new["price"] * new["quantity"]).sum(),
        "filled_opposite_usd": rows["trades"]["notional_usd"].sum(),
    }


def _opens(rows: Rows, _measures: dict[str, Any]) -> dict[str, float]:
    trades = rows["trades"]
    return {
        "combined_usd": trades["notional_usd"].sum(),
        "sync_ms": (trades["ts"].max() - trades["ts"].min()) / 1e3,
    }


AGAIN: dict[str, Again] = {
    "controlled_group": lambda rows, _: {
        "rewards": len(rows["participations"]),
        "promo_usd": rows["participations"]["reward_usd"].sum(),
    },
    "linked_trades": lambda rows, _: {
        "trades": len(rows["trades"]),
        "volume_usd": rows["trades"]["notional_usd"].sum(),
    },
    "structuring": lambda rows, _: {
        "transfers": len(rows["transfers"]),
        "total_usd": rows["transfers"]["amount_usd"].sum(),
    },
    "spoofing": _spoof,
    "layering": _layer,
    "takeover": lambda rows, _: {"withdrawn_usd": rows["transfers"]["amount_usd"].sum()},
    "position_limit_ring": _opens,
}


def looked_up(features: Features, shown: EpisodeEvidence) -> Rows:
    """The rows that the evidence names, from the activity tables; of an order the events at the named moments."""
    found = {}
    for name, row_id in IDS.items():
        rows = shown.rows[shown.rows["table"] == name]
        wanted = pd.DataFrame({row_id: rows["row_id"], "ts": rows["time"].astype("int64")})
        joined = features.engine.frame(f"FROM {name}").merge(wanted.drop_duplicates(), on=[row_id, "ts"])
        found[name] = joined[joined["account_id"].isin(shown.episode["accounts"])] if "account_id" in joined else joined
    return found


@pytest.mark.parametrize("pattern", AGAIN)
def test_the_rows_of_an_episode_give_its_measures_again(exchange: Features, pattern: str) -> None:
    episodes = [e for e in exchange.episodes(END - pd.Timedelta(days=30), END) if e["pattern"] == pattern]
    if pattern == "position_limit_ring":
        episodes = [e for e in episodes if "FLOCK-A1" in e["accounts"]]
    whole = [e for e in episodes if 0 < e["evidence_total"] <= MAX_ROWS]
    assert whole
    for episode in whole:
        shown = episode_evidence(exchange, episode["episode_id"], END)
        assert len(shown.rows) == shown.total
        for name, value in AGAIN[pattern](looked_up(exchange, shown), episode["measures"]).items():
            assert value == pytest.approx(episode["measures"][name], rel=1e-6), (episode["episode_id"], name)


def test_every_edge_of_a_group_joins_two_members_and_says_what_they_share(exchange: Features) -> None:
    (ring,) = [
        e
        for e in exchange.episodes(END - pd.Timedelta(days=30), END)
        if e["pattern"] == "position_limit_ring" and "FLOCK-A1" in e["accounts"]
    ]
    links = episode_evidence(exchange, ring["episode_id"], END).links
    assert set(links["account"]) | set(links["other"]) == set(ring["accounts"])
    assert (links["weight"] > 0).all()
    assert links["value"].str.len().min() > 0


def test_an_episode_is_not_shown_before_it_was_known(exchange: Features) -> None:
    episode = exchange.episodes(END - pd.Timedelta(days=30), END)[-1]
    before = pd.Timestamp(episode["known_at"] - 1, unit="us", tz="UTC")
    assert episode_evidence(exchange, episode["episode_id"], END).episode["pattern"] == episode["pattern"]
    with pytest.raises(NotFound, match="mscore episodes"):
        episode_evidence(exchange, episode["episode_id"], before)


def test_evidence_names_rows_of_activity_tables(exchange: Features) -> None:
    named = {row[0] for e in exchange.episodes(END - pd.Timedelta(days=30), END) for row in e["evidence"]}
    assert named <= set(TABLES)
