"""Combines aggregates: products, values that want enough rows, surges over the past, what groups are like."""

import math
from collections.abc import Callable
from dataclasses import replace

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.common.deferred import Deferred

from features.kernel.errors import Invalid
from features.vocabulary.aggregates import Aggregate, Window, value_of


def product(first: Aggregate, second: Aggregate) -> Aggregate:
    """One aggregate times another, for example a rate times a span."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        return first.measure(rows, condition).cast("float64") * second.measure(rows, condition).cast("float64")

    return Aggregate(f"product({first.text},{second.text})", measure, counted=first.counted)


def at_least(least: int, aggregate: Aggregate, fill: float, where: Deferred | None = None) -> Aggregate:
    """The aggregate where enough rows (satisfying `where`) stand behind it, else `fill`.

    The groups of a grouped aggregate must count its rows; `where` says nothing of them.
    """
    text, reduce = f"at_least({least},{aggregate.text},{where!r})", aggregate.outer
    if reduce is not None:
        return replace(
            aggregate, text=text, fill=fill, outer=lambda sizes: ibis.cases((sizes.sum() >= least, reduce(sizes)))
        )

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        counted = condition if where is None else condition & value_of(rows, where)
        return ibis.cases((rows.count(where=counted) >= least, aggregate.measure(rows, condition)))

    return replace(aggregate, text=text, measure=measure, fill=fill)


def surge(inner: Aggregate, recent: Window, past: Window, least: float, adds_up: bool = True) -> Aggregate:
    """How many times its own usual an aggregate is lately: the recent part of the window over the past before it.

    Of what adds up over time (counts, totals) the usual is the mean of as much time in the past, or since the window's
    first row where that is later; of shares and largest values it is the aggregate of the past. `least` is added to
    both, so that next to nothing does not surge. Unknown (NaN) where the window's first row is not half as long before
    the recent part as that is long, or where a share or largest value has no row to be of in either part.

    Raises:
        Invalid: the parts have no length, or the aggregate works on groups.
    """
    if recent.width_us is None or past.width_us is None:
        raise Invalid("A surge compares a recent part of the window with the past; give both a length, like days(7).")
    if inner.per is not None:
        raise Invalid(f"A surge cannot be of groups, as {inner.text} is.")
    recent_us, past_us = recent.width_us, past.width_us

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        begins = rows.as_of - recent_us
        earlier = condition & (rows.ts < begins)
        before = earlier & (rows.ts >= begins - past_us)
        recently = condition & (rows.ts >= begins)
        lately = inner.measure(rows, recently).cast("float64")
        usual = inner.measure(rows, before).cast("float64")
        reach = (begins - rows.ts).max(where=earlier)
        is_available = reach * 2 >= recent_us
        if adds_up:
            lately, usual = lately.fill_null(0.0), usual.fill_null(0.0) * recent_us / ibis.least(reach, past_us)
        else:
            is_available = is_available & (rows.count(where=recently) > 0) & (rows.count(where=before) > 0)
        return ibis.cases((is_available, (lately + least) / (usual + least)))

    is_recent = _.ts >= _.as_of - recent_us
    return Aggregate(
        f"surge({inner.text},{recent.text},{past.text},{least},{adds_up})",
        measure,
        fill=math.nan,
        counted=is_recent if inner.counted is None else is_recent & inner.counted,
        order=inner.order,
        wider_than_us=recent_us,
        reach_us=recent_us + past_us,
    )


def modal_share(inner: Aggregate, per: Deferred) -> Aggregate:
    """The share of the largest group in all groups, for example of the most frequent order size."""
    return _grouped(
        "modal_share", inner, per, lambda sizes: sizes.max().cast("float64") / ibis.greatest(sizes.sum(), 1)
    )


def daily_minimum(inner: Aggregate, per: Deferred, of: int) -> Aggregate:
    """The smallest group where at least so many groups hold something, else the fill of `inner`."""

    def reduce(sizes: ir.NumericColumn) -> ir.Value:
        has_rows = sizes > 0
        return ibis.cases((has_rows.cast("int64").sum() >= of, sizes.min(where=has_rows)))

    return _grouped(f"trough_{of}", inner, per, reduce)


def _grouped(word: str, inner: Aggregate, per: Deferred, outer: Callable[[ir.NumericColumn], ir.Value]) -> Aggregate:
    return replace(inner, text=f"{word}({inner.text} per {per!r})", per=per, outer=outer)
