"""Finds what makes a SELECT give other rows from run to run: functions that look at a clock, and rows in no order."""

import re
from collections.abc import Iterator
from functools import cache

import duckdb
from sqlglot import exp

DIALECT = "duckdb"
FUNCTION_NAME = re.compile(r"\w+")
MORE_CHANGING_FUNCTIONS = frozenset(
    {"ago", "current_role", "current_time", "current_timestamp", "current_user", "getenv", "localtime"}
    | {"localtimestamp", "pg_sleep", "session_user", "user", "version"}
    | {"approx_quantile", "approx_top_k", "reservoir_quantile"}
)
AGE_BETWEEN = 2
"""With one moment only, `age` counts until today."""
MAY_RAISE = frozenset({"error"})
ORDERED_AGGREGATES = frozenset(
    {"any_value", "arbitrary", "array_agg", "first", "group_concat", "json_group_array", "json_group_object", "last"}
    | {"list", "listagg", "mode", "string_agg"}
)
ORDERED_WINDOWS = frozenset({"first_value", "lag", "last_value", "lead", "nth_value", "ntile", "row_number"})
EXACT_AGGREGATES = frozenset({"bool_and", "bool_or", "count", "count_if", "count_star", "countif", "max", "min"})


def instabilities(query: exp.Query) -> Iterator[str]:
    """What makes the rows of a query differ from run to run, each as the end of a sentence that begins "the SELECT"."""
    for part in query.walk():
        if isinstance(part, exp.Func):
            yield from _of_function(part)
        elif isinstance(part, exp.Window) and part.args.get("spec") and not _window_order(part):
            if part.args["spec"].args.get("kind") != "RANGE":
                yield "has a window of ROWS without ORDER BY, which may hold others each time; write ORDER BY in it"
        elif isinstance(part, exp.Query) and not part.args.get("order"):
            distinct = part.args.get("distinct")
            if part.args.get("limit") or part.args.get("offset"):
                yield "has LIMIT without ORDER BY, so it may take other rows each time; write ORDER BY before it"
            if isinstance(distinct, exp.Distinct) and distinct.args.get("on"):
                yield "has DISTINCT ON without ORDER BY, so it may take other rows each time; write ORDER BY"


def adds_up(query: exp.Expr) -> bool:
    """Whether a query has aggregates that may differ in the last digits when several threads add up fractions."""
    return any(name_of(part) in _aggregates() - EXACT_AGGREGATES for part in query.find_all(exp.Func))


def name_of(call: exp.Func) -> str:
    """The name of a function, in lower case, as DuckDB spells it."""
    if isinstance(call, exp.Anonymous):
        return call.name.lower()
    written = None if isinstance(call, exp.Connector) else FUNCTION_NAME.match(call.sql(DIALECT))
    return written.group().lower() if written else ""


def _of_function(call: exp.Func) -> Iterator[str]:
    name = name_of(call)
    if name in _changing_functions() or (name == "age" and len(call.expressions) < AGE_BETWEEN):
        yield f"calls {name}, whose value depends on when or where it runs"
    elif name in ORDERED_AGGREGATES and not _is_ordered(call):
        yield f"calls {name} without ORDER BY, so its value may differ each time; write {name}(… ORDER BY …)"
    elif name in ORDERED_WINDOWS and not _is_ordered(call):
        yield f"calls {name} without ORDER BY, so its value may differ each time; write OVER (… ORDER BY …)"


def _is_ordered(call: exp.Func) -> bool:
    """Whether a function takes its rows in an order: inside of its brackets, or by what stands around it."""
    if any(_orders(part) for argument in call.iter_expressions() for part in (argument, argument.this)):
        return True
    around = call.parent
    while isinstance(around, exp.IgnoreNulls | exp.RespectNulls | exp.Filter | exp.WithinGroup):
        if isinstance(around, exp.WithinGroup) and _orders(around.expression):
            return True
        around = around.parent
    return isinstance(around, exp.Window) and _window_order(around)


def _window_order(window: exp.Window) -> bool:
    """Whether a window is ordered, by itself or by the one that it names."""
    if _orders(window.args.get("order")):
        return True
    select = window.find_ancestor(exp.Select)
    name = window.alias.lower()
    named = select.args.get("windows") or () if select and name else ()
    return any(other.name.lower() == name and _window_order(other) for other in named if other is not window)


def _orders(part: object) -> bool:
    """Whether it is an ORDER BY of something that differs from row to row."""
    return isinstance(part, exp.Order) and any(ordered.find(exp.Column) for ordered in part.expressions)


@cache
def _changing_functions() -> frozenset[str]:
    names = _functions("function_type = 'scalar' AND stability <> 'CONSISTENT'")
    return names - MAY_RAISE | MORE_CHANGING_FUNCTIONS


@cache
def _aggregates() -> frozenset[str]:
    return _functions("function_type = 'aggregate'")


def _functions(condition: str) -> frozenset[str]:
    with duckdb.connect() as connection:
        query = f"SELECT DISTINCT function_name FROM duckdb_functions() WHERE {condition}"
        return frozenset(name for (name,) in connection.execute(query).fetchall())
