"""Builds vectors for any spine of (account, moment) from one state of the activity."""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.activity.lake import Lake
from features.activity.snapshot import Activity
from features.catalogue import Feature
from features.definitions import CATALOGUE
from features.derivation.deriving import derive
from features.engines.duckdb import DuckDBEngine
from features.facts.access import SESSIONS
from features.facts.fills import FILLS
from features.facts.flows import FLOWS
from features.facts.orders import ORDERS
from features.kernel.errors import Invalid
from features.kernel.moments import from_microseconds, microseconds
from features.kernel.progress import Progress, silent
from features.queries import Query, queries
from features.spellings import episodes_as_written
from features.spine import checked_spine, weekly_moments

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
MAX_LINKS = 20
BEFORE_CORRECTIONS = -1
"""Stands for the activity as it was before anything in it was corrected."""
ROWS_AT_ONCE = 100_000


class Features:
    """Facts and episodes of one state of activity, ready to be asked for vectors and evidence.

    Where rows supersede or cancel others, what is seen at a moment is derived from the activity as it stood then:
    `at` gives the features of that time. What nobody asks for is not derived.

    Attributes:
        activity: the activity, with all that is known of it.
        moment: the last correction that these features know of, in microseconds; None where there is none.
        engine: holds the activity as of that moment, the facts and the episodes.
    """

    def __init__(self, activity: Activity | Lake, progress: Progress = silent, moment: int | None = None) -> None:
        self.activity = Activity.from_lake(activity) if isinstance(activity, Lake) else activity
        self.progress = progress
        self._corrections = self.activity.revision_moments()
        self.moment = self._corrections[-1] if self._corrections and moment is None else moment
        self.engine = DuckDBEngine(self.activity, self.moment)
        self._claim = derive(self.engine, progress)
        self._before: Features | None = None

    def at(self, as_of: datetime | str) -> "Features":
        """The features that see the activity as it stood at a moment: these, unless a correction lies in between."""
        correction = self._correction_before(microseconds(as_of))
        if correction == self.moment:
            return self
        if self._before is None or self._before.moment != correction:
            self._before = Features(self.activity, self.progress, correction)
        return self._before

    def vectors(self, spine: pd.DataFrame, features: Iterable[Feature] = CATALOGUE) -> pd.DataFrame:
        """One row of feature values per spine row, in the spine's order. See `build_vectors`."""
        chosen = tuple(features)
        given = checked_spine(spine)
        values = np.empty((len(given), len(chosen)), order="F")
        for place, feature in enumerate(chosen):
            values[:, place] = feature.value.fill
        moments = given["as_of"].astype("int64").to_numpy()
        corrections = np.searchsorted(self._corrections, moments, side="right")
        for correction in sorted(set(corrections.tolist()), reverse=True):
            rows = np.flatnonzero(corrections == correction)
            self.at(from_microseconds(int(moments[rows[0]])))._fill(values, rows, given.iloc[rows], chosen)
        return pd.concat([given, pd.DataFrame(values, columns=[f.name for f in chosen], index=given.index)], axis=1)

    def _fill(self, values: Floats, places: Places, given: pd.DataFrame, chosen: tuple[Feature, ...]) -> None:
        """Writes the values of these rows of a spine to their places, where something happened."""
        numbered = self._numbered(given)
        column = {feature.name: number for number, feature in enumerate(chosen)}
        starts = range(0, len(given), ROWS_AT_ONCE)  # in parts, because the rows behind a part must fit into memory
        for number, start in enumerate(starts):
            self._see(numbered.slice(start, ROWS_AT_ONCE))
            for query, rows in self._answers(chosen, number, len(starts)):
                at = places[rows.column("spine_id").to_numpy()]
                for feature in query.features:
                    computed = rows.column(feature.name).to_numpy(zero_copy_only=False).astype(float)
                    is_known = ~np.isnan(computed)
                    values[at[is_known], column[feature.name]] = computed[is_known]

    def _correction_before(self, moment: int) -> int | None:
        """The last correction that is seen at a moment; -1 before the first."""
        if not self._corrections:
            return None
        place = bisect_right(self._corrections, moment)
        return self._corrections[place - 1] if place else BEFORE_CORRECTIONS

    def _answers(self, features: tuple[Feature, ...], part: int, parts: int) -> Iterator[tuple[Query, pa.Table]]:
        is_known = all(feature.name in CATALOGUE and CATALOGUE[feature.name] is feature for feature in features)
        shapes = queries(features, self.engine.sql if is_known else None)
        self.engine.sql.keep()
        for position, query in enumerate(shapes):
            done = (part * len(shapes) + position) / (parts * len(shapes))
            self.progress(f"computing {query.features[0].of.name} features", done)
            yield query, self.engine.run(query.sql)

    def look_at(self, spine: pd.DataFrame) -> pd.DataFrame:
        """Makes a spine the one that queries run over, and gives it back typed.

        Raises:
            Invalid: it lacks a column, or names an account the activity does not know.
        """
        given = checked_spine(spine)
        self._see(self._numbered(given))
        return given

    def _see(self, rows: pa.Table) -> None:
        """Makes these rows the engine's `spine`: a table sorted by account joins faster than rows read from Arrow."""
        self.engine.register("asked_for", rows)
        self.engine.create("spine", "FROM asked_for ORDER BY account_no, as_of, spine_id", temporary=True)

    def accounts(self, as_of: datetime | str) -> pd.DataFrame:
        """A spine of every account visible at one moment, by account_id."""
        moment = microseconds(as_of)
        accounts = self.at(as_of).engine.frame(
            "SELECT DISTINCT account_id FROM fact_accounts WHERE ts < ? AND known_from <= ? ORDER BY account_id",
            [moment, moment],
        )
        return accounts.assign(as_of=pd.Timestamp(moment, unit="us", tz="UTC"))

    def ceilings(self) -> list[dict[str, Any]]:
        """What the derivation left out: the step, a sentence that says what and why, and how much."""
        rows: list[dict[str, Any]] = self.engine.run("FROM ceilings").to_pylist()
        return rows

    def span(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """The first and the last moment at which any account did something.

        Raises:
            Invalid: nobody did anything.
        """
        parts = " UNION ALL ".join(
            f"SELECT min(ts) AS first, max(ts) AS last FROM {fact.writes}" for fact in (FILLS, FLOWS, ORDERS, SESSIONS)
        )
        first, last = self.engine.run(f"SELECT min(first), max(last) FROM ({parts})").to_pylist()[0].values()
        if first is None:
            raise Invalid("The activity holds no session, order, trade or transfer, so there is nothing to look at.")
        return pd.Timestamp(first, unit="us", tz="UTC"), pd.Timestamp(last, unit="us", tz="UTC")

    def weekly(self) -> pd.DataFrame:
        """A spine of all accounts at every weekly moment that has a week of activity before it."""
        first, last = self.span()
        moments = weekly_moments(first, last) or [last]
        return pd.concat([self.accounts(at) for at in moments], ignore_index=True)

    def episodes(self, known_from: datetime | str, known_until: datetime | str) -> list[dict[str, Any]]:
        """Episodes known in (known_from, known_until], not superseded by then, oldest first; JSON parsed."""
        condition = "known_at > ? AND known_at <= ? AND (superseded_at IS NULL OR superseded_at > ?)"
        until = microseconds(known_until)
        return self.at(known_until)._episodes(condition, [microseconds(known_from), until, until])

    def episodes_named(self, episode_ids: Iterable[str], as_of: datetime | str) -> dict[str, dict[str, Any]]:
        """The episodes of these ids that were known at a moment, by id; superseded ones among them."""
        wanted = list(dict.fromkeys(episode_ids))
        episodes = self.at(as_of)._episodes(
            "known_at <= ? AND list_contains(?, episode_id)", [microseconds(as_of), wanted]
        )
        return {episode["episode_id"]: episode for episode in episodes}

    def _episodes(self, condition: str, parameters: list[Any]) -> list[dict[str, Any]]:
        query = f"FROM episodes WHERE {condition} ORDER BY known_at, episode_id"
        rows: list[dict[str, Any]] = self.engine.run(query, parameters).to_pylist()
        parsed = [
            {**row, **{name: json.loads(row[name]) for name in ("measures", "evidence", "links")}} for row in rows
        ]
        return episodes_as_written(self.engine, parsed)

    def links(self, account_id: str, as_of: datetime | str) -> list[dict[str, Any]]:
        """The links of an account that hold at a moment, the strongest first: other_id, kind, weight, row_id."""
        moment = microseconds(as_of)
        rows: list[dict[str, Any]] = (
            self.at(as_of)
            .engine.run(
                "SELECT other_id, kind, weight, min(row_id) AS row_id FROM fact_links WHERE account_id = ? AND ts < ? "
                "AND known_from <= ? AND (known_until IS NULL OR known_until > ?) "
                "GROUP BY ALL ORDER BY weight DESC, other_id, kind LIMIT ?",
                [account_id, moment, moment, moment, MAX_LINKS],
            )
            .to_pylist()
        )
        return rows

    @cached_property
    def _account_numbers(self) -> pd.Index:
        """The accounts that are known, by their number in the engine, which counts from 1."""
        accounts = self.engine.frame("SELECT account_id FROM account_numbers WHERE known ORDER BY account_no")
        index: pd.Index = pd.Index(accounts["account_id"])
        return index

    def _numbered(self, spine: pd.DataFrame) -> pa.Table:
        """The spine as the engine joins it.

        Raises:
            Invalid: the activity does not know one of the accounts.
        """
        places = self._account_numbers.get_indexer(pd.Index(spine["account_id"]))
        unknown = sorted(spine["account_id"][places < 0].unique())
        if unknown:
            raise Invalid(
                f"The activity knows no account {', '.join(map(repr, unknown[:3]))}; "
                "give account_ids that were imported into the lake."
            )
        events = spine["event_id"].astype("string") if "event_id" in spine.columns else [None] * len(spine)
        return pa.table(
            {
                "spine_id": pa.array(np.arange(len(spine)), pa.int64()),
                "account_id": pa.array(spine["account_id"], pa.string()),
                "account_no": pa.array(places + 1, pa.int32()),
                "as_of": pa.array(spine["as_of"].astype("int64").to_numpy(), pa.int64()),
                "event_id": pa.array(events, pa.string()),
            }
        )


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
