"""The rule language: an SQL boolean expression over named fields and thresholds, read once and ready to run twice."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from features.kernel.errors import Invalid
from serving.policy.checking import check
from serving.policy.comparisons import comparisons_of
from serving.policy.compiling import Part, python_of, sql_of
from serving.policy.parsing import parse
from serving.policy.terms import Comparison, Value
from serving.policy.undecided import MayHold, may_hold

KINDS = (float, str, bool)


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked condition: the fields and thresholds it reads and compares, its SQL, its function for one account."""

    text: str
    fields: frozenset[str]
    thresholds: frozenset[str]
    comparisons: Mapping[str, Comparison]
    sql: str
    function: Part
    open_function: MayHold

    def holds(self, fields: Mapping[str, Value]) -> bool | None:
        """Whether the condition holds for these fields; None where missing values leave it open.

        Raises:
            KeyError: a field that decides is absent.
            TypeError: a field is of another kind than declared.
        """
        result: bool | None = self.function(fields)
        return result

    def may_hold(self, fields: Mapping[str, Value], unknown: Collection[str]) -> bool:
        """Whether the condition holds, or could hold if the fields named `unknown` had other values."""
        return self.open_function(fields, unknown)


def condition(text: str, fields: Mapping[str, type], thresholds: Mapping[str, float | str | bool]) -> Condition:
    """The condition that the text states over these fields (name to `float`, `str` or `bool`) and thresholds.

    Raises:
        Invalid: text outside the language, an unknown name, unlike kinds, or no boolean.

    >>> many_cancels = condition("cancels / orders >= :share", {"cancels": float, "orders": float}, {"share": 0.8})
    >>> [many_cancels.holds({"cancels": 9, "orders": orders}) for orders in (10, 100, 0)]
    [True, False, None]
    """
    parsed = parse(text)
    check(parsed, fields, {name: _kind_of_value(name, value) for name, value in thresholds.items()})
    return Condition(
        text,
        parsed.fields,
        parsed.thresholds,
        comparisons_of(parsed.tree),
        sql_of(parsed.tree, fields, thresholds),
        python_of(parsed.tree, fields, thresholds),
        may_hold(parsed.tree, fields, thresholds),
    )


def _kind_of_value(name: str, value: float | str | bool) -> type:
    kind = float if type(value) is int else type(value)
    if kind not in KINDS or value != value:
        raise Invalid(f"Threshold {name!r} is {value!r}; it must be a number, a text or a boolean.")
    return kind
