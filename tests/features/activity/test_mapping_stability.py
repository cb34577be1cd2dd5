"""Stability: a SELECT that may make other rows from run to run is refused with what to write instead."""

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from features.activity.mapping import load_mapping
from features.activity.mapping.stability import adds_up, instabilities
from features.kernel.errors import Invalid
from tests.features.activity.exports import Desk
from tests.features.activity.test_mapping_select import DEPOSIT, SELECT, imported, written

UNSTABLE = {
    "SELECT now() AS ts FROM payments": "calls now, whose value depends on when or where it runs",
    "SELECT random() AS amount FROM payments": "calls random, whose value depends",
    "SELECT approx_quantile(sum, 0.5) AS amount FROM payments": "calls approx_quantile, whose value depends",
    "SELECT reservoir_quantile(sum, 0.5) AS amount FROM payments": "calls reservoir_quantile, whose value depends",
    "SELECT any_value(who) AS account_id FROM payments": "calls any_value without ORDER BY",
    "SELECT arbitrary(who) AS account_id FROM payments": "calls arbitrary without ORDER BY",
    "SELECT first(who) AS account_id FROM payments": "calls first without ORDER BY",
    "SELECT first(who) FILTER (sum > 0) AS account_id FROM payments": "calls first without ORDER BY",
    "SELECT last(who ORDER BY 1) AS account_id FROM payments": "calls last without ORDER BY",
    "SELECT list(who)[1] AS account_id FROM payments": "calls array_agg without ORDER BY",
    "SELECT list(DISTINCT who)[1] AS account_id FROM payments": "calls array_agg without ORDER BY",
    "SELECT string_agg(who, ',') AS address FROM payments": "calls listagg without ORDER BY",
    "SELECT mode(who) AS account_id FROM payments": "calls mode without ORDER BY",
    "SELECT row_number() OVER () AS transfer_id FROM payments": "calls row_number without ORDER BY",
    "SELECT row_number() OVER (PARTITION BY who) AS transfer_id FROM payments": "calls row_number without ORDER BY",
    "SELECT row_number() OVER (ORDER BY NULL) AS transfer_id FROM payments": "calls row_number without ORDER BY",
    "SELECT row_number() OVER w AS transfer_id FROM payments WINDOW w AS (PARTITION BY who)": "calls row_number",
    "SELECT lag(sum) OVER () AS amount FROM payments": "calls lag without ORDER BY",
    "SELECT first_value(sum IGNORE NULLS) OVER () AS amount FROM payments": "calls first_value without ORDER BY",
    "SELECT max(sum) OVER (ROWS 1 PRECEDING) AS amount FROM payments": "has a window of ROWS without ORDER BY",
    "SELECT id AS transfer_id FROM payments QUALIFY row_number() OVER () = 1": "calls row_number without ORDER BY",
    "SELECT id AS transfer_id FROM payments LIMIT 1": "has LIMIT without ORDER BY",
    "SELECT id AS transfer_id FROM payments OFFSET 1": "has LIMIT without ORDER BY",
    "SELECT id AS transfer_id FROM payments FETCH FIRST 1 ROWS ONLY": "has LIMIT without ORDER BY",
    "SELECT id AS transfer_id FROM (SELECT id FROM payments LIMIT 1)": "has LIMIT without ORDER BY",
    "WITH c AS (SELECT id FROM payments LIMIT 1) SELECT id AS transfer_id FROM c": "has LIMIT without ORDER BY",
    "SELECT id AS ts FROM payments UNION SELECT id FROM payments LIMIT 1": "has LIMIT without ORDER BY",
    "SELECT (SELECT id FROM payments LIMIT 1) AS ts FROM payments": "has LIMIT without ORDER BY",
    "SELECT DISTINCT ON (who) id AS transfer_id FROM payments": "has DISTINCT ON without ORDER BY",
}
STABLE = [
    "SELECT any_value(who ORDER BY id) AS account_id FROM payments",
    "SELECT first(who ORDER BY id) FILTER (sum > 0) AS account_id FROM payments",
    "SELECT arbitrary(who ORDER BY id) AS account_id FROM payments",
    "SELECT list(DISTINCT who ORDER BY who)[1] AS account_id FROM payments",
    "SELECT string_agg(who, ',' ORDER BY _row) AS address FROM payments",
    "SELECT row_number() OVER (ORDER BY at) AS transfer_id FROM payments",
    "SELECT row_number() OVER w AS transfer_id FROM payments WINDOW w AS (PARTITION BY who ORDER BY at)",
    "SELECT lead(sum ORDER BY at) OVER () AS amount FROM payments",
    "SELECT first_value(sum IGNORE NULLS) OVER (ORDER BY at) AS amount FROM payments",
    "SELECT rank() OVER (ORDER BY at) AS amount, count(*) OVER (PARTITION BY who) AS ts FROM payments",
    "SELECT max(sum) OVER (ORDER BY at ROWS 1 PRECEDING) AS amount FROM payments",
    "SELECT id AS transfer_id FROM payments ORDER BY 1 LIMIT 1",
    "SELECT DISTINCT ON (who) id AS transfer_id FROM payments ORDER BY who, id",
    "SELECT quantile_cont(sum, 0.5) AS amount, max(sum) AS ts FROM payments",
    "SELECT id AS transfer_id FROM payments WHERE version AND (user OR now)",
]


def query(select: str) -> exp.Query:
    """The SELECT as a tree."""
    tree = sqlglot.parse_one(select, dialect="duckdb")
    assert isinstance(tree, exp.Query)
    return tree


@pytest.mark.parametrize("select", UNSTABLE)
def test_a_select_that_may_make_other_rows_each_time_is_refused_with_what_to_write(desk: Desk, select: str) -> None:
    with pytest.raises(Invalid, match=r"^bank\.yaml: tables\.transfers") as refusal:
        load_mapping(str(written(desk, select)))
    assert f"the SELECT {UNSTABLE[select]}" in str(refusal.value)
    assert str(refusal.value).endswith("; a mapping has to make the same rows each time.")


@pytest.mark.parametrize("select", STABLE)
def test_a_select_that_says_its_order_is_taken(desk: Desk, select: str) -> None:
    assert list(instabilities(query(select))) == []
    load_mapping(str(written(desk, select)))


def test_a_limit_around_brackets_is_not_lost(desk: Desk) -> None:
    with pytest.raises(Invalid, match="SUBQUERY is not a SELECT"):
        load_mapping(str(written(desk, f"({SELECT} payments) ORDER BY transfer_id LIMIT 1")))


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("SELECT sum(x) FROM t", True),
        ("SELECT avg(x) OVER (ORDER BY y) FROM t", True),
        ("SELECT fsum(x) FROM t", True),
        ("SELECT max(x), count(*) FROM t", False),
        ("SELECT sum FROM t", False),
    ],
)
def test_only_what_adds_up_takes_one_thread(select: str, expected: bool) -> None:
    assert adds_up(query(select)) is expected


def test_fractions_add_up_to_the_same_sum_each_time(desk: Desk) -> None:
    select = f"""
        SELECT who AS transfer_id, 'x' AS account_id, '2025-05-01T10:00:00Z' AS ts, {DEPOSIT},
               sum(TRY_CAST(sum AS DOUBLE)) AS amount, sum(TRY_CAST(sum AS DOUBLE)) AS amount_usd
        FROM payments GROUP BY who"""
    with duckdb.connect() as engine:
        rows = engine.execute("SELECT i, i % 3, hash(i) % 1000000007 / 1e7 FROM range(400000) AS t(i)").fetchall()
    text = "id,who,sum\n" + "".join(f"{i},{who},{part!r}\n" for i, who, part in rows)
    assert imported(desk, select, {"payments.csv": text}).tables["transfers"].accepted == 3
    for _ in range(3):
        assert imported(desk, select, {"payments.csv": text}).tables["transfers"].duplicates == 3
