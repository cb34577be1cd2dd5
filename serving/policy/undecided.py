"""Asks of a condition whether it could hold, if some of its fields were other than they are."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from sqlglot import exp

from serving.policy.compiling import Constants, Kinds, python_of

MayHold = Callable[[Mapping[str, Any], Collection[str]], bool]
Results: TypeAlias = frozenset[bool | None]
_Part = Callable[[Mapping[str, Any], Collection[str]], Results]

ANY: Results = frozenset({True, False, None})


def may_hold(tree: exp.Expr, kinds: Kinds, thresholds: Constants) -> MayHold:
    """A function of the fields and the names of those not known: whether the condition holds or could hold.

    A comparison that reads a field not known may come out in any way; `and`, `or` and `not` go on with every way. So
    an answer of False is certain, whatever values those fields have.

    >>> from serving.policy.parsing import parse
    >>> asked = may_hold(parse("sort = 'out' and hours < 24").tree, {"sort": str, "hours": float}, {})
    >>> [asked({"sort": sort, "hours": None}, {"hours"}) for sort in ("out", "in")]
    [True, False]
    """
    part = _part_of(tree, kinds, thresholds)
    return lambda fields, unknown: True in part(fields, unknown)


def _part_of(node: exp.Expr, kinds: Kinds, thresholds: Constants) -> _Part:
    if isinstance(node, exp.Paren):
        return _part_of(node.this, kinds, thresholds)
    if isinstance(node, exp.Not):
        return _negation(_part_of(node.this, kinds, thresholds))
    if isinstance(node, (exp.And, exp.Or)):
        terms = [_part_of(term, kinds, thresholds) for term in node.flatten(unnest=False)]
        return _junction(terms, decisive=isinstance(node, exp.Or))
    return _comparison(node, kinds, thresholds)


def _comparison(node: exp.Expr, kinds: Kinds, thresholds: Constants) -> _Part:
    read = frozenset(column.name for column in node.find_all(exp.Column))
    evaluated = python_of(node, kinds, thresholds)
    return lambda fields, unknown: frozenset({evaluated(fields)}) if read.isdisjoint(unknown) else ANY


def _negation(inner: _Part) -> _Part:
    def negate(fields: Mapping[str, Any], unknown: Collection[str]) -> Results:
        return frozenset(None if result is None else not result for result in inner(fields, unknown))

    return negate


def _junction(terms: list[_Part], decisive: bool) -> _Part:
    def joined(first: bool | None, second: bool | None) -> bool | None:
        if decisive in (first, second):
            return decisive
        return None if None in (first, second) else not decisive

    def decide(fields: Mapping[str, Any], unknown: Collection[str]) -> Results:
        results: Results = frozenset({not decisive})
        for term in terms:
            ways = term(fields, unknown)
            results = frozenset(joined(first, second) for first in results for second in ways)
            if results == {decisive}:
                break
        return results

    return decide
