"""Shows the rows behind feature values: the very rows that predicate and window select, for one account or for many."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import pandas as pd

from features.activity.lake import Lake
from features.activity.snapshot import Activity
from features.catalogue import Catalogue, Feature
from features.definitions import CATALOGUE
from features.engines.compiling import compiled
from features.facts.sentences import row_sentence
from features.kernel.errors import NotFound
from features.kernel.moments import microseconds
from features.pair_links import with_links
from features.pipeline import Features
from features.queries import condition, visible
from features.spellings import frame_as_written
from features.vocabulary.aggregates import value_of

MAX_ROWS = 20
HIDDEN = {
    "spine_id",
    "account_id",
    "as_of",
    "event_id",
    "ts",
    "known_from",
    "known_until",
    "counterparty_no",
    "_weight",
    "_total",
    "_counted",
    "_place",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """The rows that made one value: at most 20, those that count first, then the heaviest or newest; `total` of all."""

    feature: Feature
    account_id: str
    rows: pd.DataFrame
    total: int
    counted: int

    def row_sentences(self) -> list[str]:
        """Each shown row in words."""
        return [row_sentence(self.feature.of.name, row) for row in self.rows.to_dict("records")]


def feature_evidence(
    activity: Activity | Lake | Features,
    feature: str | Feature,
    account_id: str,
    as_of: datetime | str,
    catalogue: Catalogue = CATALOGUE,
) -> Evidence:
    """The rows behind one value of one account at a moment.

    Raises:
        Invalid: the catalogue has no such feature, or the activity no such account.
    """
    features = activity if isinstance(activity, Features) else Features(activity)
    chosen = catalogue[feature] if isinstance(feature, str) else feature
    return evidence_of_many(features, chosen, [account_id], as_of)[account_id]


def evidence_of_many(
    features: Features, feature: Feature, accounts: Iterable[str], as_of: datetime | str
) -> dict[str, Evidence]:
    """The evidence of one feature for several accounts at one moment, by account.

    Raises:
        Invalid: the activity does not know one of the accounts.
    """
    moment = pd.Timestamp(microseconds(as_of), unit="us", tz="UTC")
    spine = pd.DataFrame({"account_id": list(dict.fromkeys(accounts)), "as_of": moment})
    features_then = features.at(as_of)
    features_then.look_at(spine)
    rows = frame_as_written(features_then.engine, features_then.engine.frame(_query(feature)))
    rows = with_links(features_then.engine, feature.of.name, rows, microseconds(as_of))
    rows.insert(0, "time", pd.to_datetime(rows["ts"], unit="us", utc=True))
    by_account = dict(tuple(rows.groupby("account_id")))
    nothing = rows.iloc[:0]
    return {account: _evidence(feature, account, by_account.get(account, nothing)) for account in spine["account_id"]}


@dataclass(frozen=True, slots=True)
class EpisodeEvidence:
    """What an episode rests on: at most 20 rows in its pattern's order, `total` of all, and for a group its edges.

    Attributes:
        episode: its id, pattern, accounts, symbol, moments and measures.
        rows: time, table, row_id, text.
        links: account, other, kind, value, weight.
    """

    episode: dict[str, Any]
    rows: pd.DataFrame
    total: int
    links: pd.DataFrame


def episode_evidence(activity: Activity | Lake | Features, episode_id: str, as_of: datetime | str) -> EpisodeEvidence:
    """The rows and edges behind an episode.

    Raises:
        NotFound: no such episode was known at the moment.
    """
    features = activity if isinstance(activity, Features) else Features(activity)
    episode = features.episodes_named([episode_id], as_of).get(episode_id)
    if episode is None:
        raise NotFound(f"At {as_of} there was no episode {episode_id!r}; `mscore episodes` lists those known by then.")
    rows = pd.DataFrame(episode["evidence"], columns=["table", "row_id", "ts", "text"])
    rows.insert(0, "time", pd.to_datetime(rows.pop("ts").astype("int64"), unit="us", utc=True))
    links = pd.DataFrame(episode["links"], columns=["account", "other", "kind", "value", "weight"])
    return EpisodeEvidence(episode_summary(episode), rows, episode["evidence_total"], links)


def episode_summary(episode: Mapping[str, Any]) -> dict[str, Any]:
    """An episode as people and programs read it: its moments as UTC timestamps, without rows and edges."""
    identity = {name: episode[name] for name in ("episode_id", "pattern", "accounts", "symbol", "measures")}
    moments = {name: episode[name] for name in ("started_at", "ended_at", "known_at", "superseded_at")}
    return identity | {
        name: None if value is None else pd.Timestamp(value, unit="us", tz="UTC") for name, value in moments.items()
    }


def _evidence(feature: Feature, account: str, rows: pd.DataFrame) -> Evidence:
    total, counted = (int(rows[name].iloc[0]) if len(rows) else 0 for name in ("_total", "_counted"))
    shown = rows[[name for name in rows.columns if name not in HIDDEN]]
    return Evidence(feature, account, shown.reset_index(drop=True), total, counted)


@cache
def _query(feature: Feature) -> str:
    rows = visible([feature])
    chosen = rows.filter(condition(feature, rows))
    counted = feature.value.counted
    chosen = chosen.mutate(
        counted=True if counted is None else value_of(chosen, counted).fill_null(False),
        _weight=chosen.ts if feature.value.order is None else value_of(chosen, feature.value.order),
    )
    return f"""
        SELECT * FROM (
            SELECT *, count(*) OVER everything AS _total, count(*) FILTER (counted) OVER everything AS _counted,
                   row_number() OVER (PARTITION BY spine_id
                                      ORDER BY counted DESC, _weight DESC NULLS LAST, ts DESC, row_id) AS _place
            FROM ({compiled(chosen)}) WINDOW everything AS (PARTITION BY spine_id))
        WHERE _place <= {MAX_ROWS} ORDER BY spine_id, _place"""
