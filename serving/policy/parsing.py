"""Reads the text of a condition into a tree made of nothing but the parts the rule language knows."""

from dataclasses import dataclass
from itertools import pairwise

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from features.kernel.errors import Invalid

FUNCTIONS = ("abs", "coalesce", "greatest", "least")
MAX_TEXT_LENGTH = 4000
MAX_NESTING = 60

_TWO = ("this", "expression")
_MANY = ("this", "expressions")
_PARTS: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.And: _TWO,
    exp.Or: _TWO,
    exp.Not: ("this",),
    exp.Paren: ("this",),
    exp.EQ: _TWO,
    exp.NEQ: _TWO,
    exp.GT: _TWO,
    exp.GTE: _TWO,
    exp.LT: _TWO,
    exp.LTE: _TWO,
    exp.Between: ("this", "low", "high"),
    exp.In: _MANY,
    exp.Is: _TWO,
    exp.Add: _TWO,
    exp.Sub: _TWO,
    exp.Mul: _TWO,
    exp.Div: _TWO,
    exp.Neg: ("this",),
    exp.Abs: ("this",),
    exp.Coalesce: _MANY,
    exp.Greatest: (*_MANY, "ignore_nulls"),
    exp.Least: (*_MANY, "ignore_nulls"),
    exp.Literal: ("this", "is_string"),
    exp.Boolean: ("this",),
    exp.Null: (),
    exp.Column: ("this",),
    exp.Identifier: ("this", "quoted"),
    exp.Placeholder: ("this",),
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A condition as a tree of allowed parts, with the names it uses: fields, and thresholds written `:name`."""

    text: str
    tree: exp.Expr
    fields: frozenset[str]
    thresholds: frozenset[str]


def parse(text: str) -> Parsed:
    """The condition the text states; its names and types are not looked at yet.

    Raises:
        Invalid: the text is no single expression of the language (docs/methods.md#rule-language): and, or, not,
            comparisons, between,
            in, is null, arithmetic, literals, fields, thresholds and the functions of `FUNCTIONS`.

    >>> sorted(parse("cancel_ratio_7d >= :cancel_share and orders_n_7d > 0").fields)
    ['cancel_ratio_7d', 'orders_n_7d']
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise Invalid(f"The condition has {len(text)} characters; shorten it to at most {MAX_TEXT_LENGTH}.")
    tree = _single_tree(text)
    fields, thresholds = set(), set()
    pending = [(tree, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > MAX_NESTING:
            raise Invalid(f"The condition is nested deeper than {MAX_NESTING} levels; split the rule.")
        _require_allowed(node)
        if isinstance(node, exp.Column):
            fields.add(node.name)
        elif isinstance(node, exp.Placeholder):
            thresholds.add(str(node.this))
        pending.extend((child, depth + 1) for child in node.iter_expressions())
    return Parsed(text, tree, frozenset(fields), frozenset(thresholds))


def _single_tree(text: str) -> exp.Expr:
    # The neutral dialect: DuckDB's own reads `(:name` as an alias.
    try:
        tokens = sqlglot.tokenize(text)
        trees = sqlglot.parse(text)
    except SqlglotError as error:
        raise Invalid(f"The condition {text!r} cannot be read: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise Invalid(f"The condition is nested deeper than {MAX_NESTING} levels; split the rule.") from None
    except Exception as error:  # on scraps of SQL the parser trips over itself with errors of every kind
        raise Invalid(f"The condition {text!r} cannot be read ({type(error).__name__}).") from None
    _require_known_functions(tokens)
    if len(trees) != 1 or trees[0] is None:
        raise Invalid(f"A condition is exactly one expression; {text!r} is not.")
    return trees[0]


def _require_known_functions(tokens: list[Token]) -> None:
    for token, following in pairwise(tokens):
        is_call = token.token_type is TokenType.VAR and following.token_type is TokenType.L_PAREN
        if is_call and token.text.lower() not in FUNCTIONS:
            raise Invalid(f"The rule language has no function {token.text!r}; it has {', '.join(FUNCTIONS)}.")


def _require_allowed(node: exp.Expr) -> None:
    allowed = _PARTS.get(type(node))
    if allowed is None:
        raise Invalid(f"The rule language has no {node.key.upper()} (in {_shown(node)}).")
    extra = [name for name, value in node.args.items() if value and name not in allowed]
    if extra:
        raise Invalid(f"The rule language does not know {', '.join(extra)} in {_shown(node)}.")
    if isinstance(node, exp.Column) and not isinstance(node.this, exp.Identifier):
        raise Invalid(f"{_shown(node)} is no field.")
    if isinstance(node, exp.Placeholder) and not isinstance(node.this, str):
        raise Invalid("A threshold is written with its name, like :min_orders.")
    if isinstance(node, exp.Is) and not isinstance(node.expression, exp.Null):
        raise Invalid(f"IS is followed by NULL or NOT NULL only, not as in {_shown(node)}.")
    if isinstance(node, exp.In) and not node.expressions:
        raise Invalid(f"IN needs a list of values, not as in {_shown(node)}.")


def _shown(node: exp.Expr) -> str:
    try:
        return repr(node.sql())
    except (SqlglotError, ValueError, RecursionError):
        return node.key
