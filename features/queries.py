"""Turns a list of features into one query per fact (and per inner group) over a spine of (account, moment)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.common.deferred import Deferred

from features.catalogue import Feature
from features.engines.compiling import KeptSql, compiled
from features.facts.fact import Fact
from features.vocabulary.aggregates import value_of

SPINE = ibis.table(
    {"spine_id": "int64", "account_id": "string", "account_no": "int32", "as_of": "int64", "event_id": "string"},
    name="spine",
)
JUDGED = ("spine_id", "account_id", "as_of", "event_id")


@dataclass(frozen=True, slots=True)
class Query:
    """One engine query: `spine_id` and a column for each of its features."""

    features: tuple[Feature, ...]
    sql: str


def queries(features: tuple[Feature, ...], sql: KeptSql | None = None) -> tuple[Query, ...]:
    """The queries that together compute the features; compiling takes seconds and is done once.

    Args:
        features: any features.
        sql: what is kept by name, where the features are those of the catalogue.
    """
    return tuple(Query(group, _named(group, sql) if sql else _sql(group)) for group in _shapes(features))


@lru_cache(maxsize=64)
def _shapes(features: tuple[Feature, ...]) -> tuple[tuple[Feature, ...], ...]:
    by_shape: dict[tuple[str, str, str, bool], list[Feature]] = {}
    for feature in features:
        shape = (feature.of.name, repr(feature.value.per), repr(feature.key), feature.window.only_event)
        by_shape.setdefault(shape, []).append(feature)
    return tuple(map(tuple, by_shape.values()))


def _named(group: tuple[Feature, ...], sql: KeptSql) -> str:
    return sql.of(" ".join(feature.name for feature in group), lambda: _sql(group))


@lru_cache(maxsize=512)
def _sql(group: tuple[Feature, ...]) -> str:
    return compiled(_expression(group))


def visible(features: Sequence[Feature]) -> ir.Table:
    """The rows of a fact that each spine moment may see, for features of one shape (fact, key, event or window).

    A row is seen if it happened before the moment, is known by it and not superseded; the event that is being judged
    is seen as it happens. `account_id` is always the spine's; along a key a row's own account is `row_account_id`.
    """
    first = features[0]
    rows = first.of.numbered
    if first.window.only_event:
        conditions = [rows.row_id == SPINE.event_id, rows.ts <= SPINE.as_of]
    elif first.key is None:
        conditions = _seen(SPINE, rows, features)
    else:
        keys = _keys(first.of, first.key)
        keyed = first.of.table.mutate(_key=value_of(first.of.table, first.key))
        joined = keys.inner_join(keyed, [keys.asked_key == keyed._key, *_seen(keys, keyed, features)])
        return joined.rename(row_account_id="account_id_right").drop("asked_key").drop("_key")
    joined = SPINE.inner_join(rows, [SPINE.account_no == rows.account_no, *conditions])
    return joined.select(*JUDGED, *(name for name in first.of.rows.columns if name != "account_id"))


def condition(feature: Feature, rows: ir.Table) -> ir.BooleanValue:
    """Which of the visible rows the feature looks at: its window and its predicate."""
    chosen: ir.BooleanValue = ibis.literal(True)
    if feature.window.width_us is not None:
        chosen = rows.ts >= rows.as_of - (feature.window.width_us + feature.delay_us)
    if feature.delay_us:
        chosen = chosen & (rows.ts < rows.as_of - feature.delay_us)
    if feature.where is not None:
        chosen = chosen & value_of(rows, feature.where)
    return chosen


def _seen(spine: ir.Table, rows: ir.Table, features: Sequence[Feature]) -> list[ir.BooleanValue]:
    newest = min(feature.delay_us for feature in features)
    conditions = [
        rows.ts < (spine.as_of - newest if newest else spine.as_of),
        rows.known_from <= spine.as_of,
        rows.known_until.isnull() | (rows.known_until > spine.as_of),
    ]
    widest = _widest(features)
    if widest is not None:
        conditions.append(rows.ts >= spine.as_of - widest)
    return conditions


def _keys(fact: Fact, key: Deferred) -> ir.Table:
    """The spine with `asked_key`: the key's value in the event that is judged, else in the account's newest row."""
    rows = fact.numbered
    own = rows.select(
        account_no=rows.account_no,
        ts=rows.ts,
        known_from=rows.known_from,
        known_until=rows.known_until,
        row_id=rows.row_id,
        value=value_of(rows, key),
    ).filter(_.value.notnull())
    is_event = own.row_id == SPINE.event_id
    before = (own.ts < SPINE.as_of) & (own.known_from <= SPINE.as_of)
    holds = own.known_until.isnull() | (own.known_until > SPINE.as_of)
    visible_rows = SPINE.inner_join(
        own,
        [
            SPINE.account_no == own.account_no,
            (is_event.fill_null(False) & (own.ts <= SPINE.as_of)) | (before & holds),
        ],
    )
    newest = ibis.struct(
        {
            "event": (visible_rows.row_id == visible_rows.event_id).fill_null(False),
            "ts": visible_rows.ts,
            "known_from": visible_rows.known_from,
            "row_id": visible_rows.row_id,
        }
    )
    return visible_rows.group_by(JUDGED).agg(asked_key=visible_rows.value.argmax(newest))


def _widest(features: Sequence[Feature]) -> int | None:
    widths = [None if f.window.width_us is None else f.window.width_us + f.delay_us for f in features]
    return None if None in widths else max(width for width in widths if width is not None)


def _expression(features: Sequence[Feature]) -> ir.Table:
    rows = visible(features)
    per = features[0].value.per
    if per is None:
        values = {f.name: f.value.measure(rows, condition(f, rows)).cast("float64") for f in features}
        return rows.group_by("spine_id").agg(**values)
    keyed = rows.mutate(_group=value_of(rows, per))
    inner = {f.name: f.value.measure(keyed, condition(f, keyed)) for f in features}
    sizes = keyed.group_by(["spine_id", "_group"]).agg(**inner)
    outer = {f.name: _reduced(f, sizes).cast("float64") for f in features}
    return sizes.group_by("spine_id").agg(**outer)


def _reduced(feature: Feature, sizes: ir.Table) -> ir.Value:
    reduce = feature.value.outer
    if reduce is None:
        raise TypeError(f"Feature {feature.name} groups its rows but does not say how groups become a number.")
    return reduce(sizes[feature.name].fill_null(0))
