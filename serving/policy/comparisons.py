"""Which way a condition compares each of its thresholds, so that a page can say what was met and what was not."""

from collections.abc import Mapping

from sqlglot import exp

from serving.policy.terms import Comparison

_SIGNS: Mapping[type[exp.Expr], str] = {exp.GTE: ">=", exp.GT: ">", exp.LTE: "<=", exp.LT: "<"}
_TURNED = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}


def comparisons_of(tree: exp.Expr) -> Mapping[str, Comparison]:
    """By threshold, how it is compared; those that are negated or compared in several ways are left out.

    >>> from serving.policy.parsing import parse
    >>> comparisons_of(parse("orders >= :least and 1 - fills / orders > :share").tree)
    {'least': Comparison(sign='>=', of='orders'), 'share': Comparison(sign='>', of=None)}
    """
    comparisons: dict[str, set[Comparison]] = {}
    for node in tree.find_all(*_SIGNS):
        if node.find_ancestor(exp.Not):
            continue
        sign = _SIGNS[type(node)]
        for threshold, other, word in ((node.expression, node.this, sign), (node.this, node.expression, _TURNED[sign])):
            if isinstance(threshold, exp.Placeholder):
                of = other.name if isinstance(other, exp.Column) else None
                comparisons.setdefault(str(threshold.this), set()).add(Comparison(word, of))
    return {name: next(iter(of_threshold)) for name, of_threshold in comparisons.items() if len(of_threshold) == 1}
