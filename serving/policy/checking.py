"""Decides of what kind each part of a condition is (number, text, boolean), and refuses names and mixtures unknown."""

import difflib
import math
from collections.abc import Iterable, Mapping

from sqlglot import exp

from features.kernel.errors import Invalid
from serving.policy.parsing import Parsed

NULL = type(None)
_WORDS: dict[type, str] = {float: "a number", str: "a text", bool: "a boolean", NULL: "NULL"}
_ORDERINGS = (exp.GT, exp.GTE, exp.LT, exp.LTE)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div)
_CHOICES = (exp.Coalesce, exp.Greatest, exp.Least)

Kinds = Mapping[str, type]


def check(parsed: Parsed, fields: Kinds, thresholds: Kinds) -> None:
    """Makes sure that the condition is a boolean over known names; kinds are `float`, `str` and `bool`.

    Raises:
        Invalid: an unknown name (near ones are given), a comparison or sum of unlike kinds, or no boolean at all.

    >>> from serving.policy.parsing import parse
    >>> check(parse("country = :home and orders_n > 3"), {"country": str, "orders_n": float}, {"home": str})
    """
    _require_known("field", parsed.fields, fields)
    _require_known("threshold", parsed.thresholds, thresholds)
    kind = kind_of(parsed.tree, fields, thresholds)
    if kind is not bool:
        raise Invalid(f"A condition is true or false, but {parsed.text!r} is {_WORDS[kind]}.")


def kind_of(node: exp.Expr, fields: Kinds, thresholds: Kinds) -> type:
    """The kind of one part of a condition whose names are known.

    Raises:
        Invalid: its parts do not go together.
    """
    if isinstance(node, exp.Column):
        return fields[node.name]
    if isinstance(node, exp.Placeholder):
        return thresholds[str(node.this)]
    if isinstance(node, exp.Literal | exp.Boolean | exp.Null):
        return _kind_of_literal(node)
    parts = [kind_of(child, fields, thresholds) for child in node.iter_expressions()]
    if isinstance(node, exp.Paren):
        return parts[0]
    if isinstance(node, exp.Is):
        return bool
    if isinstance(node, _CHOICES):
        return _kind_of_choice(node, parts)
    if isinstance(node, (exp.EQ, exp.NEQ, exp.In)):
        _require_alike(node, parts)
        return bool
    if isinstance(node, (*_ORDERINGS, exp.Between)):
        return _require(node, parts, float, bool)
    if isinstance(node, (*_ARITHMETIC, exp.Neg, exp.Abs)):
        return _require(node, parts, float, float)
    return _require(node, parts, bool, bool)


def _kind_of_literal(node: exp.Expr) -> type:
    if isinstance(node, exp.Boolean):
        return bool
    if isinstance(node, exp.Null):
        return NULL
    if node.is_string:
        return str
    try:
        finite = math.isfinite(float(node.name))
    except ValueError:
        finite = False
    if not finite:
        raise Invalid(f"{node.name!r} is no number the rule language can hold.")
    return float


def _kind_of_choice(node: exp.Expr, parts: list[type]) -> type:
    kinds = {part for part in parts if part is not NULL}
    if len(kinds) != 1 or (kinds != {float} and not isinstance(node, exp.Coalesce)):
        raise Invalid(_mixture(node, parts))
    return kinds.pop()


def _require_alike(node: exp.Expr, parts: list[type]) -> None:
    if len(set(parts)) != 1 or NULL in parts:
        raise Invalid(_mixture(node, parts))


def _require(node: exp.Expr, parts: list[type], wanted: type, result: type) -> type:
    if any(part is not wanted for part in parts):
        raise Invalid(_mixture(node, parts))
    return result


def _mixture(node: exp.Expr, parts: list[type]) -> str:
    kinds = " with ".join(_WORDS[part] for part in parts)
    return f"{node.sql()!r} does not work: it puts together {kinds} (missing values: IS NULL)."


def _require_known(what: str, used: Iterable[str], kinds: Kinds) -> None:
    for name in sorted(used):
        if name not in kinds:
            near = difflib.get_close_matches(name, kinds, n=3)
            raise Invalid(f"There is no {what} {name!r}; " + (f"near: {', '.join(near)}." if near else "none is near."))
