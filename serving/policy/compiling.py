"""Turns a checked condition into a Python function for one account and into SQL for whole tables, with equal results.

Both use SQL's three-valued logic: NULL and NaN count as unknown, division by zero gives unknown; numbers are doubles.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

Constants = Mapping[str, float | str | bool]
Kinds = Mapping[str, type]
Part = Callable[[Mapping[str, Any]], Any]

_COMPARISONS: dict[type[exp.Expr], Callable[[Any, Any], bool]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
}
_ARITHMETIC: dict[type[exp.Expr], Callable[[Any, Any], Any]] = {
    exp.Add: operator.add,
    exp.Sub: operator.sub,
    exp.Mul: operator.mul,
    exp.Div: lambda a, b: None if b == 0 else a / b,
}
_CLOSED = (exp.Coalesce, exp.Greatest, exp.Least, exp.Abs, exp.Paren, exp.Boolean, exp.Null)
_SQL_TYPES: dict[type, str] = {float: "DOUBLE", str: "TEXT", bool: "BOOLEAN"}


def python_of(node: exp.Expr, kinds: Kinds, thresholds: Constants) -> Part:
    """The part of a condition as a function of the fields: a value, or None where it is unknown.

    The function raises KeyError where a field it needs is absent, TypeError where a field is of another kind.
    """
    if isinstance(node, exp.Column):
        return _READERS[kinds[node.name]](node.name)
    if isinstance(node, (exp.Placeholder, exp.Literal, exp.Boolean, exp.Null)):
        return _constant(_value_of(node, thresholds))
    if isinstance(node, (exp.And, exp.Or)):
        terms = [python_of(term, kinds, thresholds) for term in node.flatten(unnest=False)]
        return _junction(tuple(terms), decisive=isinstance(node, exp.Or))
    parts = [python_of(child, kinds, thresholds) for child in node.iter_expressions()]
    if isinstance(node, exp.Paren):
        return parts[0]
    return _operation(node, parts)


def sql_of(node: exp.Expr, kinds: Kinds, thresholds: Constants) -> str:
    """The same condition as a SQL expression for DuckDB, its thresholds written in.

    >>> from serving.policy.parsing import parse
    >>> print(sql_of(parse("a > :most").tree, {"a": float}, {"most": 3.0}))
    (NULLIF(CAST("a" AS DOUBLE), CAST('nan' AS DOUBLE)) > CAST('3.0' AS DOUBLE))
    """
    return _rewritten(node.copy(), kinds, thresholds).sql(dialect="duckdb", comments=False)


def _value_of(node: exp.Expr, thresholds: Constants) -> Any:
    if isinstance(node, exp.Placeholder):
        return thresholds[str(node.this)]
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Null):
        return None
    return str(node.this) if node.is_string else float(node.name)


def _operation(node: exp.Expr, parts: list[Part]) -> Part:
    if (compare := _COMPARISONS.get(type(node))) is not None:
        return _binary(compare, *parts)
    if (compute := _ARITHMETIC.get(type(node))) is not None:
        return _arithmetic(compute, *parts)
    return _BUILDERS[type(node)](parts)


def _number(name: str) -> Part:
    def read(fields: Mapping[str, Any]) -> Any:
        value = fields[name]
        return None if value is None or value != value else value + 0.0

    return read


def _text(name: str) -> Part:
    def read(fields: Mapping[str, Any]) -> Any:
        value = fields[name]
        if value is None or isinstance(value, str):
            return value
        raise TypeError(f"{name} is {value!r} and no text")

    return read


def _boolean(name: str) -> Part:
    def read(fields: Mapping[str, Any]) -> Any:
        value = fields[name]
        if value is None or value != value:
            return None
        if value == 0 or value == 1:
            return bool(value)
        raise TypeError(f"{name} is {value!r} and no boolean")

    return read


_READERS: dict[type, Callable[[str], Part]] = {float: _number, str: _text, bool: _boolean}


def _constant(value: Any) -> Part:
    return lambda _: value


def _junction(terms: tuple[Part, ...], decisive: bool) -> Part:
    def decide(fields: Mapping[str, Any]) -> Any:
        result: bool | None = not decisive
        for term in terms:
            value = term(fields)
            if value is decisive:
                return decisive
            if value is None:
                result = None
        return result

    return decide


def _binary(apply: Callable[[Any, Any], Any], left: Part, right: Part) -> Part:
    def compare(fields: Mapping[str, Any]) -> Any:
        a, b = left(fields), right(fields)
        return None if a is None or b is None else apply(a, b)

    return compare


def _arithmetic(apply: Callable[[Any, Any], Any], left: Part, right: Part) -> Part:
    compute = _binary(apply, left, right)

    def known(fields: Mapping[str, Any]) -> Any:
        value = compute(fields)
        return None if value != value else value

    return known


def _unary(apply: Callable[[Any], Any]) -> Callable[[list[Part]], Part]:
    def build(parts: list[Part]) -> Part:
        (inner,) = parts

        def compute(fields: Mapping[str, Any]) -> Any:
            value = inner(fields)
            return None if value is None else apply(value)

        return compute

    return build


def _between(parts: list[Part]) -> Part:
    value, low, high = parts
    return _junction((_binary(operator.ge, value, low), _binary(operator.le, value, high)), decisive=False)


def _one_of(parts: list[Part]) -> Part:
    value, *choices = parts
    return _junction(tuple(_binary(operator.eq, value, choice) for choice in choices), decisive=True)


def _is_null(parts: list[Part]) -> Part:
    return lambda fields: parts[0](fields) is None


def _choice(pick: Callable[[list[Any]], Any]) -> Callable[[list[Part]], Part]:
    def build(parts: list[Part]) -> Part:
        def choose(fields: Mapping[str, Any]) -> Any:
            values = [value for part in parts if (value := part(fields)) is not None]
            return pick(values) if values else None

        return choose

    return build


_BUILDERS: dict[type[exp.Expr], Callable[[list[Part]], Part]] = {
    exp.Not: _unary(operator.not_),
    exp.Neg: _unary(operator.neg),
    exp.Abs: _unary(abs),
    exp.Between: _between,
    exp.In: _one_of,
    exp.Is: _is_null,
    exp.Coalesce: _choice(lambda values: values[0]),
    exp.Greatest: _choice(max),
    exp.Least: _choice(min),
}


def _rewritten(node: exp.Expr, kinds: Kinds, thresholds: Constants) -> exp.Expr:
    if isinstance(node, exp.Column):
        kind = kinds[node.name]
        column = exp.cast(exp.column(exp.to_identifier(node.name, quoted=True)), _SQL_TYPES[kind])
        return _without_nan(column) if kind is float else column
    if isinstance(node, (exp.Placeholder, exp.Literal)):
        return _sql_constant(_value_of(node, thresholds))
    for child in list(node.iter_expressions()):
        child.replace(_rewritten(child, kinds, thresholds))
    if isinstance(node, exp.Div):
        zero = _sql_constant(0.0)
        node.expression.replace(exp.Nullif(this=node.expression.copy(), expression=zero))
    if type(node) in _ARITHMETIC:
        return _without_nan(node.copy())
    # Parentheses keep the tree's own grouping, whatever precedence the engine gives IS, NOT and comparisons.
    return node if isinstance(node, _CLOSED) else exp.Paren(this=node.copy())


def _without_nan(number: exp.Expr) -> exp.Expr:
    return exp.Nullif(this=number, expression=exp.cast(exp.Literal.string("nan"), "DOUBLE"))


def _sql_constant(value: float | str | bool) -> exp.Expr:
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, str):
        return exp.Literal.string(value)
    return exp.cast(exp.Literal.string(repr(float(value))), "DOUBLE")
