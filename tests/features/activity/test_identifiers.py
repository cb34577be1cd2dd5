"""Identifiers: one form for comparing, the same in SQL and in Python; stand-ins; the rule for ids."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.activity.identifiers import (
    BLANKS,
    FORMS,
    ID_PATTERN,
    STAND_INS,
    comparable,
    comparable_sql,
    is_id,
    is_id_sql,
    is_stand_in,
    is_stand_in_sql,
    listed_sql,
    spelt,
    spelt_as_listed,
)
from features.activity.schema import TABLES
from serving.decisions.body import DecisionBody

EVM = "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B"
BECH32 = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
BASE58 = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
DIGEST = "9F86D081884C7D659A2FEAA0C55AD015"
SPELLINGS = [
    ("address", [EVM, EVM.lower(), "0X" + EVM[2:].upper(), f" {EVM}\t"], EVM.lower()),
    ("address", [BECH32, BECH32.upper(), f"{BECH32} "], BECH32),
    ("address", ["LTC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7K"], "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7k"),
    ("address", [BASE58, f"\u00a0{BASE58}"], BASE58),
    ("address", [BASE58.lower()], BASE58.lower()),
    ("country", ["KP", "kp", " Kp "], "KP"),
    ("asset", ["USDT", "usdt", "UsdT "], "USDT"),
    ("symbol", ["btcusdt", "BTCUSDT"], "BTCUSDT"),
    ("hash", [DIGEST, DIGEST.lower(), f" {DIGEST}"], DIGEST.lower()),
    ("hash", ["Abc"], "Abc"),
    ("ip", ["2001:DB8::1", "2001:db8::1 "], "2001:db8::1"),
    ("token", ["Dev-1 ", "Dev-1"], "Dev-1"),
]
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0xXaAbBfFzZ1 \t\u00a0\u212a\u0130\u00df\u2003", max_size=12),
    st.sampled_from([EVM, BECH32, BECH32.upper(), BASE58, DIGEST, *STAND_INS.words, "NULL", "N/a", "0x00", "0" * 40]),
    st.from_regex(r"\A[A-Za-z]{1,5}1[AC-HJ-NP-Z02-9]{4,9}\Z"),
)
CONNECTION = duckdb.connect()


def in_sql(expression: str, *values: str) -> object:
    """What an SQL expression over `value` (and `kind`) gives."""
    named = ", ".join(f"${number} AS {name}" for number, name in enumerate(("value", "kind")[: len(values)], 1))
    query = f"SELECT {expression} FROM (SELECT {named})"
    return CONNECTION.execute(query, list(values)).fetchall()[0][0]


@pytest.mark.parametrize(("form", "written", "expected"), SPELLINGS)
def test_however_it_is_written_an_identifier_compares_in_one_form(form: str, written: list[str], expected: str) -> None:
    assert {spelt(form, text) for text in written} == {expected}


@pytest.mark.parametrize("form", FORMS)
@given(text=TEXTS)
def test_sql_and_python_give_the_same_form(form: str, text: str) -> None:
    value = text.replace("\x00", "")
    assert in_sql(comparable_sql(form, "value"), value) == comparable(form, value)


@given(text=TEXTS)
def test_sql_and_python_know_the_same_stand_ins_and_ids(text: str) -> None:
    assert in_sql(is_stand_in_sql("value"), text) == is_stand_in(text)
    assert in_sql(is_id_sql("value"), text) == is_id(text)


@pytest.mark.parametrize("kind", ["address", "country", "document", "face", "name", "device", "account", "owner"])
@given(text=TEXTS)
def test_a_listed_value_compares_in_the_form_of_its_kind(kind: str, text: str) -> None:
    assert in_sql(listed_sql("kind", "value"), text, kind) == spelt_as_listed(kind, text)


@given(form=st.sampled_from(sorted(FORMS)), text=TEXTS)
def test_the_form_of_a_form_is_itself(form: str, text: str) -> None:
    assert spelt(form, spelt(form, text)) == spelt(form, text)


STANDING_IN = ["", " ", "NULL", "None", "nil", "NaN", "n/a", "NA", "Unknown", "undefined", "missing", "-", "--", "?"]
NOWHERE = "0.0.0.0"  # noqa: S104 - a stand-in
ZEROS = ["00000000-0000-0000-0000-000000000000", NOWHERE, "::", "0x0000000000000000", "0" * 64, "\u3000unknown "]


@pytest.mark.parametrize("text", STANDING_IN + ZEROS)
def test_what_stands_for_unknown_links_nobody_and_is_a_country_or_an_asset_all_the_same(text: str) -> None:
    assert [comparable(name, text) for name, form in FORMS.items() if form.links] == [None] * 6
    assert comparable("country", "na") == "NA"


@pytest.mark.parametrize("text", ["a", "desk/7", "?x#", "ÅÄÖ-1", "名前", "a b", "x" * 256, "..", "%2F"])
def test_what_is_an_id_is_one_for_a_decision_too(text: str) -> None:
    assert is_id(text)
    body = {"account_id": text, "action": {"type": "login", "occurred_at": "2025-05-31T12:00:00Z"}}
    assert DecisionBody.model_validate(body).account_id == text


@given(text=st.one_of(TEXTS, st.text(alphabet="a \n\x7f\x85/", min_size=250, max_size=260)))
def test_a_decision_takes_exactly_the_ids_that_an_import_takes(text: str) -> None:
    body = {"account_id": text, "action": {"type": "login", "occurred_at": "2025-05-31T12:00:00Z"}}
    try:
        taken = DecisionBody.model_validate(body).account_id == text
    except ValueError:
        taken = False
    assert taken == is_id(text)


@pytest.mark.parametrize("text", ["", " a", "a\u00a0", "a\nb", "\x00", "x" * 257, "\ud800"])
def test_what_is_no_id_is_refused(text: str) -> None:
    assert not is_id(text)
    assert ID_PATTERN.startswith("^")
    assert set(" \t") <= set(BLANKS)


def test_every_column_of_identifiers_has_a_form_or_holds_to_the_rule_for_ids() -> None:
    loose = [
        f"{table.name}.{column.name}"
        for table in TABLES.values()
        for column in table.columns
        if column.kind in ("id", "account") and not (column.is_id or column.form in FORMS or column.form == "listed")
    ]
    assert loose == []
