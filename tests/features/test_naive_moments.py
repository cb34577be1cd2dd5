"""A moment without a time zone is refused at every edge that takes moments: nobody guesses which zone was meant."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from features.activity.snapshot import Activity
from features.definitions import CATALOGUE
from features.evidence import episode_evidence, feature_evidence
from features.kernel.errors import Invalid
from features.kernel.moments import in_utc, microseconds, moment_of, text_of
from features.pipeline import Features, build_vectors
from features.spine import checked_spine, moment, read_spine
from models.anomaly.model import AnomalyModel
from models.evaluation.card import data_lines
from models.targets import known_findings
from models.vectors import VectorLayout, series_microseconds

NAIVE = datetime(2025, 6, 1, 12)  # noqa: DTZ001 - the fault that is looked for
ZONED = pd.Timestamp("2025-06-01T12:00:00Z")
FEATURE = CATALOGUE["cancel_ratio_7d"]
LAYOUT = VectorLayout.of(CATALOGUE)
ACCOUNT = "FLOCK-A1"


def spine(as_of: Any) -> pd.DataFrame:
    """A spine of one row."""
    return pd.DataFrame({"account_id": [ACCOUNT], "as_of": [as_of]})


def accounts(created_at: Any) -> pd.DataFrame:
    """The table of one account."""
    rows = {"account_id": ["A"], "created_at": [created_at], "kind": "retail", "country": "DE", "market_maker": False}
    return pd.DataFrame(rows)


def labels(known_at: Any) -> pd.DataFrame:
    """One finding."""
    row = {"account_id": ["A"], "typology": "spoofing", "finding": "confirmed", "source": "desk"}
    return pd.DataFrame(row | {"event_id": None, "group_id": None, "onset": pd.NaT, "known_at": [known_at]})


def crowd(as_of: Any) -> pd.DataFrame:
    """Vectors of many accounts at one moment."""
    rows = pd.DataFrame({"account_id": [f"A{number}" for number in range(500)], "as_of": as_of})
    return pd.concat([rows, pd.DataFrame(0.0, rows.index, list(LAYOUT.names))], axis=1)


EDGES: dict[str, Callable[[Features, Any], object]] = {
    "in_utc": lambda _, at: in_utc(at),
    "text_of": lambda _, at: text_of(at),
    "microseconds": lambda _, at: microseconds(at),
    "moment_of": lambda _, at: moment_of(at.isoformat()),
    "microseconds of a text": lambda _, at: microseconds(at.isoformat()),
    "moment": lambda _, at: moment(at.isoformat()),
    "a spine": lambda _, at: checked_spine(spine(pd.Timestamp(at))),
    "a spine of objects": lambda _, at: checked_spine(spine(at).astype({"as_of": object})),
    "a spine of texts": lambda _, at: checked_spine(spine(at.isoformat())),
    "Features.accounts": lambda features, at: features.accounts(at),
    "Features.accounts of a text": lambda features, at: features.accounts(at.isoformat()),
    "Features.vectors": lambda features, at: features.vectors(spine(at), [FEATURE]),
    "Features.look_at": lambda features, at: features.look_at(spine(at)),
    "Features.episodes from": lambda features, at: features.episodes(at, ZONED),
    "Features.episodes until": lambda features, at: features.episodes(ZONED, at),
    "Features.episodes_named": lambda features, at: features.episodes_named([], at),
    "Features.links": lambda features, at: features.links(ACCOUNT, at),
    "build_vectors": lambda features, at: build_vectors(features.activity, spine(at), [FEATURE]),
    "evidence": lambda features, at: feature_evidence(features, FEATURE, ACCOUNT, at),
    "episode_evidence": lambda features, at: episode_evidence(features, "ring-1", at),
    "Activity.from_frames": lambda _, at: Activity.from_frames({"accounts": accounts(at)}),
    "Activity.from_frames of objects": lambda _, at: Activity.from_frames(
        {"accounts": accounts(at).astype({"created_at": object})}
    ),
    "Activity.from_frames of Arrow": lambda _, at: Activity.from_frames(
        {"accounts": pa.table({name: column.to_list() for name, column in accounts(at).items()})}
    ),
    "series_microseconds": lambda _, at: series_microseconds(pd.Series([at])),
    "labels": lambda _, at: known_findings(labels(at), None),
    "labels_as_of": lambda _, at: known_findings(labels(ZONED), pd.Timestamp(at)),
    "a model card": lambda _, at: data_lines(spine(at), LAYOUT, None),
    "AnomalyModel.fit": lambda _, at: AnomalyModel(LAYOUT).fit(crowd(at)),
}


@pytest.mark.parametrize("edge", EDGES)
def test_a_moment_without_a_zone_is_refused(exchange: Features, edge: str) -> None:
    with pytest.raises(Invalid, match="no time zone"):
        EDGES[edge](exchange, NAIVE)


TAKING = sorted(EDGES.keys() - {"episode_evidence", "AnomalyModel.fit"})
"""The edges that take any moment with a zone; the other two want more than that."""


@pytest.mark.parametrize("edge", TAKING)
def test_the_same_moment_with_a_zone_is_taken(exchange: Features, edge: str) -> None:
    EDGES[edge](exchange, ZONED.to_pydatetime())


def test_a_date_alone_is_its_midnight_in_utc() -> None:
    assert moment_of(date(2025, 6, 1).isoformat()) == pd.Timestamp("2025-06-01T00:00:00Z")
    assert checked_spine(spine("2025-06-01"))["as_of"][0] == pd.Timestamp("2025-06-01T00:00:00Z")


@pytest.mark.parametrize("ending", ["csv", "parquet", "text.parquet"])
def test_a_file_without_a_zone_is_in_utc(tmp_path: Path, ending: str) -> None:
    written = spine(NAIVE.isoformat() if "." in ending or ending == "csv" else pd.Timestamp(NAIVE))
    path = tmp_path / f"spine.{ending}"
    if ending == "csv":
        written.to_csv(path, index=False)
    else:
        written.to_parquet(path)
    assert read_spine(path)["as_of"].tolist() == [ZONED]
