"""A back-test over a table counts what the rules, asked row by row, would have said."""

import random

import duckdb

from serving.policy.backtest import firing_counts_query
from tests.serving.policy.fields import FEATURES, POLICY, neutral_fields


def test_the_counts_over_a_table_equal_the_rules_asked_row_by_row() -> None:
    rng = random.Random(7)
    choices = [None, float("nan"), 0.0, 0.1, 0.5, 1.0, 3.0, 10.0, 600.0, 60_000.0]
    rows = [{name: rng.choice(choices) for name in FEATURES} for _ in range(200)]
    rules = POLICY.active["account"]
    query = firing_counts_query(rules, "vectors", FEATURES)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE vectors ({', '.join(f'{name} DOUBLE' for name in FEATURES)})")
        marks = ", ".join("?" * len(FEATURES))
        connection.executemany(f"INSERT INTO vectors VALUES ({marks})", [[*row.values()] for row in rows])
        (counts,) = connection.execute(query).fetchall()
    unknown = dict.fromkeys(neutral_fields("account"))
    expected = [sum(rule.when.holds(unknown | row) is True for row in rows) for rule in rules]
    assert list(counts) == expected
    assert sum(expected) > 100
