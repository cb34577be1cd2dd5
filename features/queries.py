"""Turns a list of features into one query per fact (and per inner group) over a spine of (account, moment)."""

from dataclasses import dataclass
from functools import lru_cache

import ibis
import ibis.expr.types as ir

from features.catalogue import Feature
from features.engines import compiled
from features.facts.fact import Fact
from features.vocabulary import value_of

SPINE = ibis.table({"spine_id": "int64", "account_id": "string", "as_of": "int64"}, name="spine")


@dataclass(frozen=True, slots=True)
class Query:
    """One engine query: `spine_id` and a column for each of its features."""

    features: tuple[Feature, ...]
    sql: str


@lru_cache(maxsize=64)
def queries(features: tuple[Feature, ...]) -> tuple[Query, ...]:
    """The queries that together compute the features; compiling takes a second, so the last ones are kept."""
    by_shape: dict[tuple[str, str], list[Feature]] = {}
    for feature in features:
        by_shape.setdefault((feature.of.name, repr(feature.value.per)), []).append(feature)
    return tuple(Query(tuple(group), compiled(_expression(group))) for group in by_shape.values())


def visible(fact: Fact, width_us: int | None) -> ir.Table:
    """The rows of a fact that each spine moment may see: `ts < as_of`, known by `as_of`, not yet superseded."""
    rows = fact.table
    conditions = [
        SPINE.account_id == rows.account_id,
        rows.ts < SPINE.as_of,
        rows.known_from <= SPINE.as_of,
        rows.known_until.isnull() | (rows.known_until > SPINE.as_of),
    ]
    if width_us is not None:
        conditions.append(rows.ts >= SPINE.as_of - width_us)
    return SPINE.inner_join(rows, conditions).drop("account_id_right")


def condition(feature: Feature, rows: ir.Table) -> ir.BooleanValue:
    """Which of the visible rows the feature looks at: its window and its predicate."""
    chosen: ir.BooleanValue = ibis.literal(True)
    if feature.window.width_us is not None:
        chosen = rows.ts >= rows.as_of - feature.window.width_us
    if feature.where is not None:
        chosen = chosen & value_of(rows, feature.where)
    return chosen


def _widest(features: list[Feature]) -> int | None:
    widths = [feature.window.width_us for feature in features]
    return None if None in widths else max(width for width in widths if width is not None)


def _expression(features: list[Feature]) -> ir.Table:
    rows = visible(features[0].of, _widest(features))
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
