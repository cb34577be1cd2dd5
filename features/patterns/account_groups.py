"""Groups of accounts: communities in the graph of links, and the groups that one controller holds together.

A global pattern: links are read at each UTC midnight, and a group is written anew when its members, its links or its
rewards changed. Components are split into communities, so that one café never merges the world
(docs/methods.md#account-links); only those around a change are looked at, so the work grows with what changed, not with
the graph.

See docs/methods.md#d20-multi-account-abuse.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import networkx as nx
import pandas as pd
import pyarrow as pa

from features.engines.ceilings import Ceiling
from features.engines.duckdb import DuckDBEngine
from features.facts.link_settings import ASSOCIATION_WEIGHT, CONTROL_WEIGHT, control_probability
from features.kernel.moments import DAY_US, HOUR_US
from features.kernel.thresholds import Settings
from features.kernel.units import CENTS, MILLI
from features.patterns.shared.communities import Communities, Limits, Link, Neighbourhood
from features.patterns.shared.episode import EVIDENCE_ROWS, Episode, Measure, Pattern

NEVER = 2**40
DAYS = ("first_day", "last_day")
ASKED = pa.schema([("number", pa.int64()), ("a", pa.string()), ("b", pa.string()), ("at", pa.int64())])
Edge = tuple[str, str, Link]
USES = ("accounts", "participations", "fact_associations", "fact_links")
MEASURES: Mapping[str, type] = {
    "accounts": float,
    "pairs": float,
    "probability": float,
    "weak": bool,
    "declared": bool,
    "identity": bool,
    "promo_usd": float,
    "rewards": float,
    "signup_span_h": float,
}

# A stretch counts at the midnights that lie in it.
EDGES = """
SELECT * FROM (
    SELECT account_id AS a, other_id AS b, weight, weak, declared, identity,
           (known_from + {day} - 1) // {day} AS first_day,
           coalesce((known_until + {day} - 1) // {day}, {never}) AS last_day
    FROM fact_associations WHERE account_id < other_id AND weight >= {needed})
WHERE first_day < last_day ORDER BY first_day, a, b
"""
REWARDS = """
SELECT account_id, event_id, ts, cents_usd(reward_usd) AS cents,
       (greatest(known_from, ts + 1) + {day} - 1) // {day} AS first_day, ts // {day} + {promo_days} + 1 AS last_day
FROM participations WHERE reward_usd > 0 ORDER BY ts, event_id
"""
PEOPLE = """
SELECT account_id, arg_min(created_at, known_from) AS created_at, min(known_from) AS known_from
FROM accounts GROUP BY account_id
"""
SHARED = """
SELECT asked.number, l.account_id AS a, l.other_id AS b, l.kind, l.weight, min(l.row_id) AS value
FROM asked JOIN fact_links AS l ON l.account_id = asked.a AND l.other_id = asked.b
 AND l.known_from <= asked.at AND (l.known_until IS NULL OR l.known_until > asked.at)
GROUP BY ALL ORDER BY asked.number, l.weight DESC, a, b, l.kind
"""


@dataclass(frozen=True, slots=True)
class Group:
    """A community at a midnight: who is in it, how it holds together, and what its members were rewarded with."""

    members: tuple[str, ...]
    pairs: int
    probability: float
    weak: bool
    declared: bool
    identity: bool
    rewards: tuple[tuple[str, str, int, int], ...]

    @property
    def promo_usd(self) -> float:
        """What the members were rewarded with, together."""
        return sum(cents for *_, cents in self.rewards) / CENTS


@dataclass(frozen=True, slots=True)
class Found:
    """A group with the first midnight at which it stood like this, and the one from which it did no more."""

    group: Group
    day: int
    pairs: tuple[tuple[str, str], ...]
    until: int | None = None


class Timeline:
    """The graph of links from midnight to midnight, and the groups that stand in it."""

    def __init__(self, settings: Settings, rewards: pd.DataFrame, pattern: str) -> None:
        self.settings = settings
        self.smallest = int(settings[f"min_{pattern}"])
        self.graph = Communities(
            Limits(
                int(settings["max_unsplit"]),
                int(settings["max_group"]),
                int(settings["max_links"]),
                tuple(settings[f"{pattern}_shares"]),
            )
        )
        self.standing: dict[str, Found] = {}
        self.rewards: dict[str, list[tuple[int, int, str, int]]] = {}
        for row in rewards.to_dict("records"):
            entry = (row["first_day"], row["ts"], row["event_id"], row["cents"])
            self.rewards.setdefault(row["account_id"], []).append(entry)

    def turn(self, day: int, lapsed: pd.DataFrame, added: pd.DataFrame, rewarded: Iterable[str]) -> Iterator[Found]:
        """Applies what changed until a midnight, and gives back the groups that ended with it."""
        ended = zip(lapsed["a"], lapsed["b"], strict=True)
        columns = (added[name].tolist() for name in ("a", "b", *Link.__slots__))
        new = {(a, b): Link(*link) for a, b, *link in zip(*columns, strict=True)}
        changed = self.graph.change(ended, new)
        around = self.graph.around(changed.union(rewarded), self._joined)
        groups = (self._group(community, day) for community in around.communities if len(community) >= self.smallest)
        yield from self._exchange(day, around, {group.members: (group, pairs) for group, pairs in groups})

    def ceilings(self, pattern: str) -> Iterator[Ceiling]:
        """What stays without a group as of now, because it is too large."""
        left, limits = self.graph.unsplit(), self.graph.limits
        if left.accounts:
            yield Ceiling(
                pattern,
                f"{left.accounts:,} accounts are in {left.groups:,} communities above {limits.max_group}, which no "
                "share of their links splits: they have no episode.",
                left.accounts,
            )
        if left.hubs:
            yield Ceiling(
                pattern,
                f"{left.hubs:,} accounts are linked with more than {limits.max_links} others: like a hot identifier, "
                "their links join no accounts.",
                left.hubs,
            )

    def _joined(self, account: str) -> tuple[str, ...]:
        record = self.standing.get(account)
        return record.group.members if record else ()

    def _exchange(
        self, day: int, around: Neighbourhood, now: dict[tuple[str, ...], tuple[Group, tuple[tuple[str, str], ...]]]
    ) -> Iterator[Found]:
        before = {record.group.members: record for a in around.looked_at if (record := self.standing.get(a))}
        for members, record in before.items():
            if members in now and now[members][0] == record.group:
                continue
            for account in members:
                self.standing.pop(account, None)
            yield Found(record.group, record.day, record.pairs, day)
        for members, (group, pairs) in now.items():
            if members not in before or before[members].group != group:
                self.standing |= dict.fromkeys(members, Found(group, day, pairs))

    def _group(self, members: tuple[str, ...], day: int) -> tuple[Group, tuple[tuple[str, str], ...]]:
        links = self.graph.among(members)
        strongest = sorted(links, key=lambda edge: -edge[2].weight)
        group = Group(
            members=members,
            pairs=len(links),
            probability=control_probability(_holding_together(strongest, len(members)) / MILLI),
            weak=all(link.weak for *_, link in links),
            declared=all(link.declared for *_, link in links),
            identity=any(link.identity for *_, link in links),
            rewards=tuple(sorted(self._rewards(members, day))),
        )
        return group, tuple((a, b) for a, b, _link in strongest[: self.settings["edges_shown"]])

    def _rewards(self, members: Iterable[str], day: int) -> Iterator[tuple[str, str, int, int]]:
        since = (day - self.settings["promo_days"]) * DAY_US
        for account in members:
            for first_day, ts, event_id, cents in self.rewards.get(account, ()):
                if first_day <= day and ts >= since:
                    yield account, event_id, ts, cents


def _holding_together(strongest: Sequence[Edge], accounts: int) -> int:
    """The weakest link that a connected group needs to be connected: the least of its maximum spanning tree."""
    joined: nx.utils.UnionFind[str] = nx.utils.UnionFind()
    needed = accounts - 1
    for a, b, link in strongest:
        if joined[a] != joined[b]:
            joined.union(a, b)
            needed -= 1
        if not needed:
            return link.weight
    raise ValueError("The links do not connect the accounts of the group.")


def detect(engine: DuckDBEngine, settings: Settings, pattern: str, needed: int) -> Iterator[Episode]:
    """The groups that stood at any midnight, each until it changed; `needed` is the least weight of a link."""
    edges = engine.frame(EDGES.format(day=DAY_US, never=NEVER, needed=needed)).astype({"a": object, "b": object})
    if edges.empty:
        return
    rewards = engine.frame(REWARDS.format(day=DAY_US, promo_days=int(settings["promo_days"])))
    rewards = rewards[rewards["account_id"].isin(pd.concat([edges["a"], edges["b"]]).unique())]
    timeline = Timeline(settings, rewards, pattern)
    starting, ending = _by_day(edges, "first_day"), _by_day(edges, "last_day")
    turning = pd.concat([rewards[["account_id", day]].set_axis(["account_id", "day"], axis=1) for day in DAYS])
    rewarded = {day: sorted(set(rows["account_id"])) for day, rows in _by_day(turning, "day").items()}
    nothing = edges.iloc[:0]
    records: list[Found] = []
    newest = max(starting)  # later there are only links that will lapse
    for day in sorted({*starting, *ending, *rewarded} - {NEVER}):
        records += timeline.turn(day, ending.get(day, nothing), starting.get(day, nothing), rewarded.get(day, ()))
        if day == newest:
            engine.ceilings += timeline.ceilings(pattern)
    records += {record.group.members: record for record in timeline.standing.values()}.values()
    records.sort(key=lambda record: (record.day, record.group.members))
    yield from _episodes(engine, records, pattern)


def _by_day(rows: pd.DataFrame, column: str) -> dict[int, pd.DataFrame]:
    return {int(str(day)): changed for day, changed in rows.groupby(column)}


def _episodes(engine: DuckDBEngine, records: list[Found], pattern: str) -> Iterator[Episode]:
    people = engine.frame(PEOPLE).set_index("account_id")
    created, known_since = people["created_at"].to_dict(), people["known_from"].to_dict()
    shared = _shared(engine, records)
    for number, record in enumerate(records):
        group, known_at = record.group, record.day * DAY_US
        signups = [created[account] for account in group.members if known_since.get(account, known_at + 1) <= known_at]
        measures: dict[str, Measure] = {
            "accounts": len(group.members),
            "pairs": group.pairs,
            "probability": group.probability,
            "weak": group.weak,
            "declared": group.declared,
            "identity": group.identity,
            "promo_usd": group.promo_usd,
            "rewards": len(group.rewards),
            "signup_span_h": (max(signups) - min(signups)) / HOUR_US if signups else 0.0,
        }
        largest = sorted(group.rewards, key=lambda reward: (-reward[3], reward[2], reward[1]))[:EVIDENCE_ROWS]
        yield Episode(
            pattern=pattern,
            accounts=group.members,
            symbol="",
            started_at=known_at - 1,
            ended_at=known_at - 1,
            known_at=known_at,
            superseded_at=None if record.until is None else record.until * DAY_US,
            measures=measures,
            evidence=tuple(
                ("participations", event_id, ts, f"{account} was rewarded with {cents / CENTS:,.2f} USD")
                for account, event_id, ts, cents in largest
            ),
            evidence_total=len(group.rewards),
            links=shared.get(number, ()),
        )


def _shared(engine: DuckDBEngine, records: list[Found]) -> dict[int, tuple[tuple[str, str, str, str, float], ...]]:
    """Per group the identifiers behind its strongest pairs, as they held at its midnight."""
    questions = [
        {"number": number, "a": a, "b": b, "at": record.day * DAY_US}
        for number, record in enumerate(records)
        for a, b in record.pairs
    ]
    engine.register("asked", pa.Table.from_pylist(questions, ASKED))
    shared: dict[int, list[tuple[str, str, str, str, float]]] = {}
    for row in engine.run(SHARED).to_pylist():
        link = (row["a"], row["b"], row["kind"], row["value"], row["weight"] / MILLI)
        shared.setdefault(row["number"], []).append(link)
    return {number: tuple(links) for number, links in shared.items()}


def _pattern(name: str, says: str, needed: int) -> Pattern:
    file = Path(__file__).with_suffix(".yaml")
    return Pattern(name, "D20", "5.4", says, file, MEASURES, USES, partial(detect, pattern=name, needed=needed), 2)


ACCOUNT_CLUSTER = _pattern("account_cluster", "accounts that share identifiers", ASSOCIATION_WEIGHT)
CONTROLLED_GROUP = _pattern("controlled_group", "accounts that one controller holds together", CONTROL_WEIGHT)
