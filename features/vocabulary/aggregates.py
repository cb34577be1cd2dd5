"""The words features are declared in: windows, aggregates, predicates, units."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.common.deferred import Deferred

from features.kernel.errors import Invalid
from features.kernel.moments import DAY_US, HOUR_US, MINUTE_US
from features.kernel.units import MICRO

Measure = Callable[[ir.Table, ir.BooleanValue], ir.Value]


@dataclass(frozen=True, slots=True)
class Window:
    """How far back a feature looks: `as_of - width <= ts < as_of`; no width means since the beginning.

    `only_event` looks at the one row that is being judged, which the spine names in `event_id`.
    """

    text: str
    width_us: int | None
    only_event: bool = False


LIFETIME = Window("lifetime", None)
THE_EVENT = Window("event", None, only_event=True)


def minutes(count: int) -> Window:
    """A window of so many minutes."""
    return Window(f"{count}min", count * MINUTE_US)


def hours(count: int) -> Window:
    """A window of so many hours."""
    return Window(f"{count}h", count * HOUR_US)


def days(count: int) -> Window:
    """A window of so many days.

    >>> days(7).text
    '7d'
    """
    return Window(f"{count}d", count * DAY_US)


@dataclass(frozen=True, eq=False, slots=True)
class Aggregate:
    """How the rows of a window become one number.

    Attributes:
        text: canonical wording, part of the catalogue's fingerprint.
        measure: (rows, condition) -> aggregated Ibis value.
        fill: the value when nothing happened.
        counted: the rows of the window that count (all where None); evidence shows them first.
        per: an inner group within the window; `outer` then reduces the groups.
        outer: the (groups' values) -> value reduction of a `per` aggregate.
        order: what makes a row weigh more as evidence, the largest first (newest first where None).
        wider_than_us: it compares so much of the end of the window with what is before, so it wants more.
        reach_us: how far back rows weigh at most, where that is less than the window.
    """

    text: str
    measure: Measure
    fill: float = 0.0
    counted: Deferred | None = None
    per: Deferred | None = None
    outer: Callable[[ir.NumericColumn], ir.Value] | None = None
    order: Deferred | None = None
    wider_than_us: int = 0
    reach_us: int | None = None


def value_of(rows: ir.Table, expression: Any) -> Any:
    """The expression (`_.amount`, a literal) resolved against a table.

    Raises:
        Invalid: it names a column that the table does not have.
    """
    try:
        return rows.bind(expression)[0]
    except AttributeError as error:
        raise Invalid(f"There is no column for {expression!r}; the fact has {', '.join(rows.columns)}.") from error


def by_then(event: str) -> Deferred:
    """Whether something had happened, and was known to have happened, before the moment of the vector.

    A fact offers `<event>_at` and `<event>_known_at`, both null where it never happened.
    """
    happened: Deferred = (_[f"{event}_at"] < _.as_of) & (_[f"{event}_known_at"] <= _.as_of)
    return happened.fill_null(False)


def count(where: Deferred | None = None) -> Aggregate:
    """How many rows (satisfying `where`)."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        counted = condition if where is None else condition & value_of(rows, where)
        return rows.count(where=counted)

    return Aggregate(f"count({where!r})", measure, counted=where)


def total(column: Deferred) -> Aggregate:
    """The sum of an integer column."""
    return Aggregate(
        f"total({column!r})", lambda rows, condition: value_of(rows, column).sum(where=condition), order=column
    )


def share(predicate: Deferred, by: Deferred | None = None) -> Aggregate:
    """The share of the rows that satisfy the predicate, by number or weighted by an integer column."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        counted = condition & value_of(rows, predicate)
        if by is None:
            return _ratio(rows.count(where=counted), rows.count(where=condition))
        weight = value_of(rows, by)
        return _ratio(weight.sum(where=counted), weight.sum(where=condition))

    return Aggregate(f"share({predicate!r},{by!r})", measure, counted=predicate, order=by)


def ratio(above: Aggregate, below: Aggregate) -> Aggregate:
    """One aggregate over another; a denominator under one counts as one."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        return _ratio(above.measure(rows, condition), below.measure(rows, condition))

    return Aggregate(f"ratio({above.text},{below.text})", measure, counted=above.counted)


def smaller_over_larger(first: Aggregate, second: Aggregate) -> Aggregate:
    """The smaller of two non-negative aggregates over the larger: 1 where they are equal, 0 where one is nothing."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        left = first.measure(rows, condition).fill_null(0)
        right = second.measure(rows, condition).fill_null(0)
        return _ratio(ibis.least(left, right), ibis.greatest(left, right))

    return Aggregate(f"smaller_over_larger({first.text},{second.text})", measure)


def mean(column: Deferred, where: Deferred | None = None, fill: float = 0.0) -> Aggregate:
    """The mean of an integer column."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        counted = condition if where is None else condition & value_of(rows, where)
        values = value_of(rows, column)
        return values.sum(where=counted).cast("float64") / values.count(where=counted).nullif(0)

    return Aggregate(f"mean({column!r},{where!r},{fill})", measure, fill, counted=where, order=column)


def distinct(column: Deferred, where: Deferred | None = None) -> Aggregate:
    """How many different values; null is none."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        counted = condition if where is None else condition & value_of(rows, where)
        # Null instead of a filter: engines plan a filtered distinct count by grouping what is filtered out as well.
        return ibis.ifelse(counted, value_of(rows, column), ibis.null()).nunique()

    return Aggregate(f"distinct({column!r},{where!r})", measure, counted=where)


def quantile(column: Deferred, q: float, where: Deferred | None = None, fill: float = 0.0) -> Aggregate:
    """The q-quantile of an integer column, linear between neighbours.

    Rank and weight are integers, because engines interpolate in ways that differ in the last bit.
    """
    share_below = Fraction(str(q))

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        counted = condition if where is None else condition & value_of(rows, where)
        values = value_of(rows, column)
        ranked = values.collect(where=counted, order_by=values)
        steps = (ranked.length() - 1) * share_below.numerator
        rank, beyond = steps // share_below.denominator, steps % share_below.denominator
        lower = ranked[rank]
        gap = ranked[ibis.least(rank + 1, ranked.length() - 1)] - lower
        weight = beyond.cast("float64") / share_below.denominator
        return lower.cast("float64") + gap.cast("float64") * weight

    return Aggregate(f"quantile({column!r},{q},{where!r},{fill})", measure, fill, counted=where, order=column)


def largest(column: Deferred, where: Deferred | None = None, fill: float = 0.0) -> Aggregate:
    """The largest value of a column."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        counted = condition if where is None else condition & value_of(rows, where)
        return value_of(rows, column).max(where=counted)

    return Aggregate(f"largest({column!r},{where!r},{fill})", measure, fill, counted=where, order=column)


def smallest(column: Deferred, where: Deferred | None = None, fill: float = 0.0) -> Aggregate:
    """The smallest value of a column."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        counted = condition if where is None else condition & value_of(rows, where)
        return value_of(rows, column).min(where=counted)

    return Aggregate(f"smallest({column!r},{where!r},{fill})", measure, fill, counted=where)


def latest(column: Deferred, where: Deferred | None = None, fill: float = 0.0) -> Aggregate:
    """The value of the newest row; of rows at the same moment the one known last, then the one with the larger id."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        counted = condition if where is None else condition & value_of(rows, where)
        newest = ibis.struct({"ts": rows.ts, "known_from": rows.known_from, "row_id": rows.row_id})
        return value_of(rows, column).argmax(newest, where=counted)

    return Aggregate(f"latest({column!r},{where!r},{fill})", measure, fill, counted=where)


def since_first(where: Deferred | None = None, fill: float = 0.0) -> Aggregate:
    """Microseconds from the first row to the moment of the vector."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        counted = condition if where is None else condition & value_of(rows, where)
        return (rows.as_of - rows.ts).max(where=counted)

    return Aggregate(f"since_first({where!r},{fill})", measure, fill, counted=where)


def since_last(where: Deferred | None = None, fill: float = 0.0) -> Aggregate:
    """Microseconds from the last row to the moment of the vector."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        counted = condition if where is None else condition & value_of(rows, where)
        return (rows.as_of - rows.ts).min(where=counted)

    return Aggregate(f"since_last({where!r},{fill})", measure, fill, counted=where)


def first_to_last(where: Deferred | None = None) -> Aggregate:
    """Microseconds between the first and the last row."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        counted = condition if where is None else condition & value_of(rows, where)
        return rows.ts.max(where=counted) - rows.ts.min(where=counted)

    return Aggregate(f"first_to_last({where!r})", measure, counted=where)


def lag_between(later: Deferred, earlier: Deferred, fill: float = 0.0) -> Aggregate:
    """Microseconds between the mean moments of two kinds of row; `fill` where either is lacking."""

    def mean_age(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        age = rows.as_of - rows.ts
        return age.sum(where=condition).cast("float64") / age.count(where=condition).nullif(0)

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        until = mean_age(rows, condition & value_of(rows, later))
        return mean_age(rows, condition & value_of(rows, earlier)) - until

    return Aggregate(f"lag_between({later!r},{earlier!r},{fill})", measure, fill)


def coefficient_of_variation(column: Deferred) -> Aggregate:
    """Standard deviation over mean of an integer column, rounded to 1e-9 because float sums depend on their order."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        values = value_of(rows, column)
        centre = values.sum(where=condition).cast("float64") / values.count(where=condition).nullif(0)
        deviation = values.cast("float64").std(where=condition, how="pop")
        return (deviation / centre.nullif(0.0)).round(9)

    return Aggregate(f"spread({column!r})", measure, order=column)


def peak(inner: Aggregate, per: Deferred) -> Aggregate:
    """The largest group within the window, for example the busiest second."""
    return _grouped("peak", inner, per, lambda groups: groups.max())


def groups(per: Deferred, where: Deferred | None = None) -> Aggregate:
    """How many groups hold at least one row, for example active days."""
    return _grouped("groups", count(where), per, lambda sizes: (sizes > 0).cast("int64").sum())


def groups_reaching(inner: Aggregate, per: Deferred, least: int) -> Aggregate:
    """How many groups reach at least so much, for example counterparties with enough links."""
    return _grouped(f"groups_reaching_{least}", inner, per, lambda sizes: (sizes >= least).cast("int64").sum())


def sum_over(inner: Aggregate, per: Deferred) -> Aggregate:
    """The groups' values added up, for example the newest balance of every asset."""
    return _grouped("sum_over", inner, per, lambda sizes: sizes.sum())


def new_values(per: Deferred, within: Window) -> Aggregate:
    """How many groups were first seen within the last while; meant for a lifetime window."""
    age = since_first()

    def reduce(ages: ir.NumericColumn) -> ir.Value:
        return ((ages > 0) & (ages <= within.width_us)).cast("int64").sum()

    return _grouped(f"newcomers_{within.text}", age, per, reduce)


def entropy(inner: Aggregate, per: Deferred) -> Aggregate:
    """Shannon entropy of the groups in bits, rounded to 1e-9 because a sum of floats depends on its order."""

    def reduce(sizes: ir.NumericColumn) -> ir.Value:
        size = sizes.cast("float64")
        everything = size.sum()
        weighted = ibis.ifelse(size > 0, size * ibis.greatest(size, 1.0).ln(), 0.0).sum()
        bits = (ibis.greatest(everything, 1.0).ln() - weighted / ibis.greatest(everything, 1.0)) / ibis.literal(
            2.0
        ).ln()
        return ibis.greatest(bits, 0.0).round(9)

    return _grouped("entropy", inner, per, reduce)


def concentration(inner: Aggregate, per: Deferred) -> Aggregate:
    """The Herfindahl index of the groups: 1 where one group is everything; rounded to 1e-9 like `entropy`."""

    def reduce(sizes: ir.NumericColumn) -> ir.Value:
        size = sizes.cast("float64")
        return ((size * size).sum() / ibis.greatest(size.sum() * size.sum(), 1.0)).round(9)

    return _grouped("concentration", inner, per, reduce)


def scaled(aggregate: Aggregate, divisor: int) -> Aggregate:
    """The aggregate in a larger unit."""

    def measure(rows: ir.Table, condition: ir.BooleanValue) -> ir.Value:
        return aggregate.measure(rows, condition).cast("float64") / divisor

    inner_outer = aggregate.outer
    text = f"scaled({aggregate.text},{divisor})"
    if inner_outer is None:
        return replace(aggregate, text=text, measure=measure)
    return replace(aggregate, text=text, outer=lambda sizes: inner_outer(sizes).cast("float64") / divisor)


def usd(aggregate: Aggregate) -> Aggregate:
    """An aggregate of micro-dollars in dollars."""
    return scaled(aggregate, MICRO)


def in_hours(aggregate: Aggregate) -> Aggregate:
    """An aggregate of microseconds in hours."""
    return scaled(aggregate, HOUR_US)


def in_days(aggregate: Aggregate) -> Aggregate:
    """An aggregate of microseconds in days."""
    return scaled(aggregate, DAY_US)


def in_seconds(aggregate: Aggregate) -> Aggregate:
    """An aggregate of microseconds in seconds."""
    return scaled(aggregate, 1_000_000)


def _ratio(above: Any, below: Any) -> ir.Value:
    return above.fill_null(0).cast("float64") / ibis.greatest(below.fill_null(0).cast("float64"), 1.0)


def _grouped(word: str, inner: Aggregate, per: Deferred, outer: Callable[[ir.NumericColumn], ir.Value]) -> Aggregate:
    return replace(inner, text=f"{word}({inner.text} per {per!r})", per=per, outer=outer)
