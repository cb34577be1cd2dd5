"""Builds vectors for any spine of (account, moment), and shows the rows behind any value."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from features.activity.lake import Lake
from features.activity.snapshot import Activity
from features.catalogue import Catalogue, Feature
from features.definitions import CATALOGUE
from features.derivation import derive
from features.engines import DuckDBEngine, compiled
from features.errors import Invalid
from features.queries import SPINE, condition, queries, visible
from features.vocabulary import value_of

Progress = Callable[[str, float], None]
EVIDENCE_ROWS = 20


def silent(_what: str, _share: float) -> None:
    """Progress that nobody watches."""


class Features:
    """Facts and episodes of one state of activity, ready to be asked for vectors and evidence."""

    def __init__(self, activity: Activity | Lake, progress: Progress = silent) -> None:
        self.activity = Activity.from_lake(activity) if isinstance(activity, Lake) else activity
        self.engine = DuckDBEngine(self.activity)
        self.progress = progress
        derive(self.engine, progress)

    def vectors(self, spine: pd.DataFrame, features: Iterable[Feature] = CATALOGUE) -> pd.DataFrame:
        """One row of feature values per spine row, in the spine's order. See `build_vectors`."""
        chosen = tuple(features)
        given = checked_spine(spine)
        self._require_accounts(given)
        self.engine.register("spine", _numbered(given))
        columns: dict[str, np.ndarray] = {}
        shapes = list(queries(chosen))
        for position, query in enumerate(shapes):
            self.progress(f"computing {query.features[0].of.name} features", position / len(shapes))
            values = self.engine.run(query.expression)
            at = values.column("spine_id").to_numpy()
            for feature in query.features:
                column = np.full(len(given), float(feature.value.fill))
                found = values.column(feature.name).to_numpy(zero_copy_only=False).astype(float)
                known = ~np.isnan(found)
                column[at[known]] = found[known]
                columns[feature.name] = column
        return pd.concat([given, pd.DataFrame({f.name: columns[f.name] for f in chosen}, index=given.index)], axis=1)

    def accounts(self, as_of: datetime | pd.Timestamp) -> pd.DataFrame:
        """A spine of every account visible at one moment, by account_id."""
        moment = _micros(as_of)
        accounts = self.engine.frame(
            "SELECT DISTINCT account_id FROM fact_accounts WHERE ts < ? AND known_from <= ? ORDER BY account_id",
            [moment, moment],
        )
        return accounts.assign(as_of=pd.Timestamp(moment, unit="us", tz="UTC"))

    def evidence(self, feature: Feature, account_id: str, as_of: datetime | pd.Timestamp) -> "Evidence":
        """The rows behind one value. See `evidence`."""
        spine = checked_spine(pd.DataFrame({"account_id": [account_id], "as_of": [as_of]}))
        self._require_accounts(spine)
        self.engine.register("spine", _numbered(spine))
        rows = visible(feature.of, feature.window.width_us)
        chosen = rows.filter(condition(feature, rows))
        counted = feature.value.counted
        chosen = chosen.mutate(
            counted=True if counted is None else value_of(chosen, counted).fill_null(False),
            _weight=chosen.ts if feature.value.order is None else value_of(chosen, feature.value.order),
        )
        ordered = f"SELECT * FROM ({compiled(chosen)}) ORDER BY counted DESC, _weight DESC NULLS LAST, ts DESC, row_id"
        everything = self.engine.frame(f"SELECT count(*) AS n, count(*) FILTER (counted) AS c FROM ({ordered})")
        frame = self.engine.frame(f"{ordered} LIMIT {EVIDENCE_ROWS}")
        frame.insert(0, "time", pd.to_datetime(frame["ts"], unit="us", utc=True))
        hidden = ["spine_id", "account_id", "as_of", "ts", "known_from", "known_until", "_weight"]
        value = float(self.vectors(spine, [feature])[feature.name].iloc[0])
        return Evidence(
            feature, account_id, spine["as_of"].iloc[0], value, frame.drop(columns=hidden),
            int(everything["n"].iloc[0]), int(everything["c"].iloc[0]),
        )  # fmt: skip

    def episodes(self, known_from: datetime | None, known_until: datetime) -> list[dict[str, object]]:
        """Episodes that became known in (known_from, known_until], as dictionaries, oldest first."""
        since = _micros(known_from) if known_from else 0
        rows: list[dict[str, object]] = self.engine.run(
            "SELECT * FROM episodes WHERE known_at > ? AND known_at <= ? ORDER BY known_at, episode_id",
            [since, _micros(known_until)],
        ).to_pylist()
        return rows

    def _require_accounts(self, spine: pd.DataFrame) -> None:
        self.engine.register("asked", pa.table({"account_id": pa.array(spine["account_id"].unique(), pa.string())}))
        unknown = self.engine.frame(
            "SELECT account_id FROM asked ANTI JOIN fact_accounts USING (account_id) ORDER BY account_id LIMIT 3"
        )["account_id"]
        if len(unknown):
            raise Invalid(
                f"The activity knows no account {', '.join(map(repr, unknown))}; "
                "give account_ids that were imported into the lake."
            )


@dataclass(frozen=True, slots=True)
class Evidence:
    """The rows that made one value: at most 20, those that count first, then the heaviest or newest; `total` of all."""

    feature: Feature
    account_id: str
    as_of: pd.Timestamp
    value: float
    rows: pd.DataFrame
    total: int
    counted: int

    @property
    def sentence(self) -> str:
        """The value in words."""
        return self.feature.sentence(self.value)


def build_vectors(
    activity: Activity | Lake,
    spine: pd.DataFrame,
    features: Iterable[Feature] = CATALOGUE,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Feature values of accounts at any past moment, each seeing only what had happened and was known by then.

    Args:
        activity: the newest state of a lake, or tables in files or memory.
        spine: columns account_id (str), as_of (UTC timestamp, or text of one) and optionally event_id.
        features: what to compute; the whole catalogue by default, or your own list.
        progress: called with (what, share done).

    Returns:
        The spine's columns, then one float64 column a feature in the order given; rows in the spine's order.

    Raises:
        Invalid: the spine lacks a column, holds an unreadable moment, or an account the activity does not know.
    """
    return Features(activity, progress).vectors(spine, features)


def evidence(
    activity: Activity | Lake,
    feature: str | Feature,
    account_id: str,
    as_of: datetime | pd.Timestamp,
    catalogue: Catalogue = CATALOGUE,
) -> Evidence:
    """The value of a feature for an account at a moment, with the very rows its predicate and window select."""
    chosen = catalogue[feature] if isinstance(feature, str) else feature
    return Features(activity).evidence(chosen, account_id, as_of)


def checked_spine(spine: pd.DataFrame) -> pd.DataFrame:
    """The spine's own columns, typed: account_id as text, as_of in UTC.

    Raises:
        Invalid: a column is missing or a moment cannot be read.
    """
    for column in ("account_id", "as_of"):
        if column not in spine.columns:
            raise Invalid(f"The spine has no column {column!r}; it wants account_id, as_of and optionally event_id.")
    names = [name for name in ("account_id", "as_of", "event_id") if name in spine.columns]
    checked = spine[names].reset_index(drop=True).copy()
    if checked["account_id"].isna().any() or checked["as_of"].isna().any():
        raise Invalid("The spine has a row without account_id or as_of; every row wants both.")
    checked["account_id"] = checked["account_id"].astype(str)
    try:
        checked["as_of"] = pd.to_datetime(checked["as_of"], utc=True).dt.as_unit("us")
    except (ValueError, TypeError) as error:
        raise Invalid(f"The spine's as_of holds a moment that cannot be read: {error}.") from error
    return checked


def weekly_spine(accounts: pd.DataFrame, moments: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """Every account at every moment at which it existed; `accounts` has account_id and created_at."""
    parts = [accounts.loc[accounts["created_at"] < moment, ["account_id"]].assign(as_of=moment) for moment in moments]
    return pd.concat(parts, ignore_index=True)


def _numbered(spine: pd.DataFrame) -> pa.Table:
    moments = spine["as_of"].astype("int64").to_numpy()
    return pa.table(
        {
            "spine_id": pa.array(np.arange(len(spine)), pa.int64()),
            "account_id": pa.array(spine["account_id"], pa.string()),
            "as_of": pa.array(moments, pa.int64()),
        },
        schema=pa.schema([(name, pa.string() if name == "account_id" else pa.int64()) for name in SPINE.columns]),
    )


def _micros(moment: datetime | pd.Timestamp) -> int:
    stamp = pd.Timestamp(moment)
    stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
    return int(stamp.as_unit("us").asm8.astype("int64"))
