"""In which form identifiers are compared, which texts stand in for "unknown", and what an id may look like."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from features.activity.files import quote

MAX_ID_LENGTH = 256
_WIDE_BLANKS = (0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF)
BLANKS = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f " + "".join(map(chr, _WIDE_BLANKS))
CONTROL = "\x00-\x1f\x7f-\x9f"
"""Control characters, as a regular expression's class."""

ID_RULE = f"1 to {MAX_ID_LENGTH} characters, no control characters, no blanks around"
ID_PATTERN = rf"^[^{CONTROL}{BLANKS}]([^{CONTROL}]{{0,{MAX_ID_LENGTH - 2}}}[^{CONTROL}{BLANKS}])?$"
"""The rule as one regular expression without look-around, for request models; Python's own wants `fullmatch`."""

COUNTRY_CODE = "[A-Za-z]{2}"
COUNTRY_RULE = "not a country code of two letters (ISO 3166-1 alpha-2) such as IR, or ZZ where it is not known"

HEX_ADDRESS = "0[xX][0-9a-fA-F]+"
UPPER_BECH32 = "[A-Z_]+1[AC-HJ-NP-Z02-9]{6,}"  # BIP 173: all lower or all upper; the latter is the one to change
HEX_DIGEST = "[0-9a-fA-F]{32,}"


class StandIns(BaseModel):
    """Texts that say that a value is not known, as `stand_ins.yaml` lists them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: tuple[str, ...]
    patterns: tuple[str, ...]


STAND_INS = StandIns.model_validate(yaml.safe_load(Path(__file__).with_name("stand_ins.yaml").read_text()))
_WORDS = frozenset(STAND_INS.words)
_ZEROS = re.compile("|".join(STAND_INS.patterns))
_ID = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind of identifier is compared: its spelling, in Python and in SQL, and whether stand-ins count as null.

    Attributes:
        spelling: from the value without blanks around to the spelling in which it is compared.
        sql: the same over an SQL expression.
        links: whether one value says that accounts belong together, so that a stand-in must never be one.
    """

    spelling: Callable[[str], str]
    sql: Callable[[str], str]
    links: bool


def is_id(text: str) -> bool:
    """Whether the text may be the id of an account or a row.

    >>> is_id("desk/7"), is_id(" a"), is_id("a\\n"), is_id("")
    (True, False, False, False)
    """
    return _ID.fullmatch(text) is not None and not any("\ud800" <= character <= "\udfff" for character in text)


def is_id_sql(value: str) -> str:
    """The same over an SQL expression."""
    plain = f"strlen({value}) = length({value})"
    ends = f"ascii({value}) > 32 AND ascii(right({value}, 1)) > 32"
    around = f"CASE WHEN {plain} THEN {ends} ELSE trim({value}, {quote(BLANKS)}) = {value} END"
    return (
        f"(length({value}) BETWEEN 1 AND {MAX_ID_LENGTH} AND {around} "
        f"AND NOT regexp_matches({value}, '[\\x00-\\x1f\\x7f-\\x{{9f}}]'))"
    )


def is_country_sql(value: str) -> str:
    """SQL for whether a text has the form of a country code; blanks around and the case of letters do not matter."""
    return f"regexp_full_match({trimmed_sql(value)}, {quote(COUNTRY_CODE)})"


def is_stand_in(text: str) -> bool:
    """Whether the text stands for a value that is not known.

    >>> is_stand_in(" N/A "), is_stand_in("0x0000"), is_stand_in("0x00c0")
    (True, True, False)
    """
    bare = text.strip(BLANKS)
    return not bare or (bare.isascii() and bare.lower() in _WORDS) or _ZEROS.fullmatch(bare) is not None


def is_stand_in_sql(value: str) -> str:
    """The same over an SQL expression."""
    return _bare_is_stand_in(trimmed_sql(value))


def trimmed_sql(value: str) -> str:
    """SQL for the text without blanks around; the usual text, which has none, is only looked at."""
    is_bare = f"strlen({value}) = length({value}) AND ascii({value}) > 32 AND ascii(right({value}, 1)) > 32"
    return f"CASE WHEN {is_bare} THEN {value} ELSE trim({value}, {quote(BLANKS)}) END"


def is_blank_sql(value: str) -> str:
    """SQL for whether a text has nothing but blanks in it."""
    return f"CASE WHEN ascii({value}) BETWEEN 33 AND 126 THEN false ELSE trim({value}, {quote(BLANKS)}) = '' END"


def spelt(form: str, text: str) -> str:
    """The text in the one spelling in which identifiers of a form are compared.

    >>> spelt("address", "0xAb58"), spelt("address", "BC1QXY7ZAAA"), spelt("address", "1BvBM"), spelt("asset", " usdt")
    ('0xab58', 'bc1qxy7zaaa', '1BvBM', 'USDT')
    """
    return FORMS[form].spelling(text.strip(BLANKS))


def comparable(form: str, text: str | None) -> str | None:
    """The same, None where the value is not known; a stand-in is not known where it could link accounts."""
    if text is None or (FORMS[form].links and is_stand_in(text)):
        return None
    return spelt(form, text)


def spelt_sql(form: str, value: str) -> str:
    """SQL of `spelt` over an expression."""
    return FORMS[form].sql(trimmed_sql(value))


def comparable_sql(form: str, value: str, but: tuple[str, ...] = ()) -> str:
    """SQL of `comparable` over an expression; the texts of `but` are values although they look like stand-ins."""
    if not FORMS[form].links:
        return spelt_sql(form, value)
    unknown = is_stand_in_sql(value)
    if but:
        unknown = f"{unknown} AND {value} NOT IN ({', '.join(map(quote, but))})"
    return f"CASE WHEN {unknown} THEN NULL ELSE {spelt_sql(form, value)} END"


def listed_sql(kind: str, value: str) -> str:
    """SQL for a watchlist's value in the form of its kind."""
    cases = " ".join(f"WHEN {quote(word)} THEN {spelt_sql(form, value)}" for word, form in LISTED.items())
    return f"CASE {kind} {cases} ELSE {value} END"


def spelt_as_listed(kind: str, text: str) -> str:
    """A watchlist's value in the form of its kind."""
    return spelt(LISTED[kind], text) if kind in LISTED else text


def _bare_is_stand_in(bare: str) -> str:
    words = ", ".join(map(quote, STAND_INS.words))
    zeros = quote("|".join(STAND_INS.patterns))
    return (
        f"({bare} = '' OR (strlen({bare}) = length({bare}) AND lower({bare}) IN ({words})) "
        f"OR (starts_with({bare}, '0') AND regexp_full_match({bare}, {zeros})))"
    )


def _address(text: str) -> str:
    is_caseless = re.fullmatch(f"{HEX_ADDRESS}|{UPPER_BECH32}", text)
    return text.lower() if is_caseless else text


def _address_sql(value: str) -> str:
    caseless = quote(f"{HEX_ADDRESS}|{UPPER_BECH32}")
    return f"CASE WHEN regexp_full_match({value}, {caseless}) THEN lower({value}) ELSE {value} END"


def _digest(text: str) -> str:
    return text.lower() if re.fullmatch(HEX_DIGEST, text) else text


def _digest_sql(value: str) -> str:
    return f"CASE WHEN regexp_full_match({value}, {quote(HEX_DIGEST)}) THEN lower({value}) ELSE {value} END"


def _upper(text: str) -> str:
    return text.upper() if text.isascii() else text


def _upper_sql(value: str) -> str:
    return f"CASE WHEN strlen({value}) = length({value}) THEN upper({value}) ELSE {value} END"


def _lower(text: str) -> str:
    return text.lower() if text.isascii() else text


def _lower_sql(value: str) -> str:
    return f"CASE WHEN strlen({value}) = length({value}) THEN lower({value}) ELSE {value} END"


def _as_written(text: str) -> str:
    return text


FORMS: Mapping[str, Form] = {
    "address": Form(_address, _address_sql, links=True),
    "hash": Form(_digest, _digest_sql, links=True),
    "ip": Form(_lower, _lower_sql, links=True),
    "token": Form(_as_written, _as_written, links=True),
    "owner": Form(_as_written, _as_written, links=True),
    "reference": Form(_as_written, _as_written, links=True),
    "country": Form(_upper, _upper_sql, links=False),
    "asset": Form(_upper, _upper_sql, links=False),
    "symbol": Form(_upper, _upper_sql, links=False),
}
"""The forms by name. A `token` is a device, session or key, a `reference` an account's id beside the row's own."""

LISTED: Mapping[str, str] = {
    "address": "address",
    "country": "country",
    "document": "hash",
    "face": "hash",
    "name": "hash",
    "device": "token",
    "account": "token",
    "owner": "owner",
}
"""The form of a watchlist's value by the entry's kind."""
