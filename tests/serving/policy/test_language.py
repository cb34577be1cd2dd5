"""The rule language says the same to Python and to DuckDB, and refuses everything outside itself."""

import contextlib
import math
from collections.abc import Mapping

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.kernel.errors import Invalid
from serving.policy.language import condition
from serving.policy.terms import Value

FIELDS: Mapping[str, type] = {"a": float, "b": float, "c": float, "s": str, "u": str, "p": bool, "q": bool}
THRESHOLDS: Mapping[str, float | str | bool] = {"low": 0.1, "zero": 0, "word": "spot", "yes": True}
SQL_TYPES = {float: "DOUBLE", str: "TEXT", bool: "BOOLEAN"}

finite = st.sampled_from([0.0, -0.0, 0.1, 0.2, 0.3, 1.0, -1.5, 3.0, 1e300, 1e-300, 2.0**53])
numbers_in_rows = st.one_of(
    st.none(), st.just(math.nan), st.sampled_from([math.inf, -math.inf]), finite, st.floats(-9, 9)
)
words = st.sampled_from(["", "spot", "it's", "Z", "é"])
rows = st.fixed_dictionaries(
    {
        name: {float: numbers_in_rows, str: st.none() | words, bool: st.none() | st.booleans()}[kind]
        for name, kind in FIELDS.items()
    }
)


def quoted(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


def numbers(deeper: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(deeper | st.just("null"), min_size=1, max_size=3).map(", ".join)
    return st.one_of(
        st.tuples(deeper, st.sampled_from("+-*/"), deeper).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(deeper, st.sampled_from("+-*/"), deeper).map(" ".join),
        deeper.map(lambda inner: f"-({inner})"),
        deeper.map(lambda inner: f"abs({inner})"),
        st.tuples(st.sampled_from(["coalesce", "least", "greatest"]), deeper, several).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]})"
        ),
    )


number = st.recursive(
    st.sampled_from(["a", "b", "c", ":low", ":zero", "0.1", "3", "1e-3", "0", "-2.5"]), numbers, max_leaves=5
)
text = st.one_of(
    st.sampled_from(["s", "u", ":word"]), words.map(quoted), words.map(lambda w: f"coalesce(s, {quoted(w)})")
)
flag = st.sampled_from(["p", "q", "true", "false", ":yes", "coalesce(p, false)"])
simple = st.one_of(
    flag,
    st.tuples(number, st.sampled_from(["<", "<=", ">", ">=", "=", "<>", "!="]), number).map(" ".join),
    st.tuples(text, st.sampled_from(["=", "<>"]), text).map(" ".join),
    st.tuples(flag, st.sampled_from(["=", "<>"]), flag).map(" ".join),
    st.tuples(number, number, number).map(lambda t: f"{t[0]} between {t[1]} and {t[2]}"),
    st.tuples(number, st.lists(number, min_size=1, max_size=3)).map(lambda t: f"{t[0]} in ({', '.join(t[1])})"),
    st.tuples(text, st.lists(text, min_size=1, max_size=3)).map(lambda t: f"{t[0]} not in ({', '.join(t[1])})"),
    st.tuples(number | text | flag, st.sampled_from(["is null", "is not null"])).map(" ".join),
)
conditions = st.recursive(
    simple,
    lambda deeper: st.one_of(
        st.tuples(deeper, st.sampled_from([" and ", " or "]), deeper).map("".join),
        deeper.map(lambda inner: f"not ({inner})"),
        deeper.map(lambda inner: f"({inner})"),
        deeper.map(lambda inner: f"({inner}) is null"),
    ),
    max_leaves=6,
)


def answers_of_duckdb(sql: str, table: list[dict[str, Value]]) -> list[bool | None]:
    columns = ", ".join(f"{name} {SQL_TYPES[kind]}" for name, kind in FIELDS.items())
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t (n INT, {columns})")
        for n, row in enumerate(table):
            connection.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [n, *(row[name] for name in FIELDS)])
        return [answer for (answer,) in connection.execute(f"SELECT {sql} FROM t ORDER BY n").fetchall()]


@settings(max_examples=120, deadline=None)
@given(text=conditions, table=st.lists(rows, min_size=1, max_size=4))
def test_python_and_duckdb_agree_on_every_condition_and_row(text: str, table: list[dict[str, Value]]) -> None:
    compiled = condition(text, FIELDS, THRESHOLDS)
    assert [compiled.holds(row) for row in table] == answers_of_duckdb(compiled.sql, table)


SCRAPS = """
a b s p nosuch :low :nosuch ? $1 1 0.5 1e999 'x' ' " ( ) , ; . * + - / % || = == <> < > >= and or not between in is null
true false case when then end select from exists cast as abs( coalesce( greatest( least( sleep( now( ifnull( :: [ ] { }
-> -- /* */ union values a.b @x #1 \\ 💥
"""


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(SCRAPS.split()), max_size=12).map(" ".join) | st.text(max_size=40))
def test_garbage_is_refused_as_invalid_and_in_no_other_way(text: str) -> None:
    with contextlib.suppress(Invalid):
        assert condition(text, FIELDS, THRESHOLDS).holds(dict.fromkeys(FIELDS)) in (True, False, None)


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "a",
        "s > 3",
        "s < 'b'",
        "p > q",
        "a = null",
        "a in (1, null)",
        "a = s",
        "a and p",
        "not a",
        "a + s > 1",
        "coalesce(a, s) > 1",
        "coalesce(null, null)",
        "a < b < c",
        "a > 1; b > 1",
        "select true",
        "a > (select 1)",
        "t.a > 1",
        "now() > a",
        "ifnull(a, 1) > 0",
        "sqrt(a) > 1",
        "a::int > 1",
        "a is true",
        "a in ()",
        "a in (select 1)",
        "a > ?",
        "case when p then true end",
        "a between symmetric 1 and 2",
        "s like 'x%'",
        "a % 2 = 1",
        "a > 1e999",
        "*",
        "",
        "(" * 3000 + "p",
        "(" * 100 + "p" + ")" * 100,
        "p or " * 900 + "p",
        "x" * 5000,
    ],
)
def test_what_is_outside_the_language_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        condition(text, FIELDS, THRESHOLDS)


def test_an_unknown_name_is_named_with_its_near_matches() -> None:
    with pytest.raises(Invalid, match=r"no field 'cancel_ratio'; near: cancel_ratio_7d"):
        condition("cancel_ratio > 1", {"cancel_ratio_7d": float}, {})
    with pytest.raises(Invalid, match=r"no threshold 'cancel_shar'; near: cancel_share"):
        condition("a > :cancel_shar", FIELDS, {"cancel_share": 0.8})


@pytest.mark.parametrize(
    ("text", "row", "answer"),
    [
        ("a / b > 1", {"a": 1, "b": 0}, None),
        ("a > 1", {"a": math.nan}, None),
        ("not (a > 1)", {"a": math.nan}, None),
        ("a > 1 or p", {"a": None, "p": True}, True),
        ("a > 1 and p", {"a": None, "p": False}, False),
        ("0.1 + 0.2 = 0.3", {}, False),
        ("greatest(a, b) > 2", {"a": math.nan, "b": 3}, True),
        ("coalesce(a, :zero) = 0", {"a": math.nan}, True),
        ("a is null", {"a": math.nan}, True),
        ("s in ('x', :word)", {"s": "spot"}, True),
        ("p", {"p": 1.0}, True),
    ],
)
def test_missing_values_follow_three_valued_logic(text: str, row: dict[str, Value], answer: bool | None) -> None:
    assert condition(text, FIELDS, THRESHOLDS).holds(row) is answer


def test_a_field_that_decides_must_be_there_and_of_its_kind() -> None:
    with pytest.raises(KeyError):
        condition("a > 1", FIELDS, {}).holds({})
    for text in ("a > 1", "s = 'x'", "p"):
        with pytest.raises(TypeError):
            condition(text, FIELDS, {}).holds({"a": "much", "s": 3, "p": "yes"})


def test_a_threshold_is_a_number_a_text_or_a_boolean() -> None:
    with pytest.raises(Invalid, match="must be a number"):
        condition("a > :low", FIELDS, {"low": math.nan})
