"""How often each rule would have fired over a whole table: the query for it, run by whoever holds the data."""

from collections.abc import Collection, Iterable

from sqlglot import exp

from serving.policy.rules import Rule


def firing_counts_query(rules: Iterable[Rule], relation: str, columns: Collection[str]) -> str:
    """A DuckDB query with one row, one column a rule (named by its id): the number of rows on which it fires.

    Args:
        relation: the table or view with one row a subject and moment; its name is quoted.
        columns: the columns it has; a field it lacks (a request, a fact) counts as unknown.
    """
    checked = tuple(rules)
    lacking = sorted(set().union(*(rule.when.fields for rule in checked)) - set(columns))
    counts = [f"count(*) FILTER (WHERE {rule.when.sql}) AS {_quoted(rule.id)}" for rule in checked]
    inner = ", ".join(["*", *(f"NULL AS {_quoted(name)}" for name in lacking)])
    return f"SELECT {', '.join(counts)} FROM (SELECT {inner} FROM {_quoted(relation)})"  # noqa: S608 — names are quoted


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")
