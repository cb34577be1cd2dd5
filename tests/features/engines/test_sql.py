"""A value put into the text of a query is read back as the same value."""

from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.engines.sql import Value, filled
from features.kernel.errors import Invalid

INTEGERS = st.integers(-(2**63), 2**63 - 1)
FRACTIONS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text()
SCALARS = st.one_of(st.none(), st.booleans(), INTEGERS, FRACTIONS, TEXTS)
UNWRITABLE = [float("nan"), float("inf"), -float("inf"), 2**63, -(2**63) - 1, "\ud800", complex(1, 2), b"x", [[2**70]]]


def read_back(sql: str) -> object:
    """The one value of a query; the fractions that DuckDB holds as decimals become floats."""
    ((value,),) = duckdb.connect().execute(sql).fetchall()
    return float(value) if isinstance(value, Decimal) else value


@settings(deadline=None)
@given(SCALARS)
@example("it's $name; -- no comment")
@example("null\x00byte")
@example(-0.1)
@example(0.1 + 0.2)
@example(123456789012345.6)
@example(5e-324)
def test_a_value_is_read_back_exactly(value: Value) -> None:
    found = read_back(filled("SELECT $name", name=value))
    assert found == value
    assert (type(found) is bool) == (type(value) is bool)


@settings(deadline=None)
@given(FRACTIONS)
def test_a_fraction_is_the_same_number_as_a_double(value: float) -> None:
    assert read_back(filled("SELECT CAST($name AS DOUBLE)", name=value)) == value


@settings(deadline=None)
@given(INTEGERS, INTEGERS)
def test_a_negative_number_may_stand_behind_a_minus(number: int, other: int) -> None:
    assert read_back(filled("SELECT CAST($number AS HUGEINT)-$other", number=number, other=other)) == number - other


@settings(deadline=None)
@given(st.one_of(st.lists(INTEGERS), st.lists(TEXTS), st.lists(st.booleans())))
def test_a_list_is_read_back_exactly(values: list[int] | list[str] | list[bool]) -> None:
    assert read_back(filled("SELECT $names", names=values)) == values


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_a_text_that_holds_a_name_is_not_filled_again(one: str, other: str) -> None:
    sql = filled("SELECT $one || '|' || $other", one=f"{one}$other", other=f"{other}$one")
    assert read_back(sql) == f"{one}$other|{other}$one"


@pytest.mark.parametrize("value", UNWRITABLE, ids=repr)
def test_what_no_literal_can_say_is_refused_by_name(value: Any) -> None:
    with pytest.raises(Invalid, match=r"^\$number is "):
        filled("SELECT $number", number=value)


def test_a_fraction_of_a_whole_number_is_exact() -> None:
    assert read_back(filled("SELECT 7 >= $share * 100", share=0.07))


def test_a_missing_value_is_named() -> None:
    with pytest.raises(Invalid, match=r"\$window has no value"):
        filled("SELECT $window", share=1)


def test_an_unused_value_is_named() -> None:
    with pytest.raises(Invalid, match=r"\$share is not in the query"):
        filled("SELECT 1", share=1)
