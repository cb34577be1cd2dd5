"""The one way to put a value into SQL text: `$name` becomes a literal that DuckDB reads back as the value."""

import math
import re
from collections.abc import Sequence

from features.activity.files import quote
from features.kernel.errors import Invalid

Value = bool | int | float | str | None | Sequence["Value"]
NAME = re.compile(r"\$([A-Za-z_]\w*)")
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
MAX_DECIMAL_DIGITS = 15
"""A decimal of so many digits is the same number as a DECIMAL and as a DOUBLE."""


def filled(sql: str, **values: Value) -> str:
    """The query with every `$name` replaced by the value of that name, as a literal.

    Parts of a query that are no values (columns, conditions, tables) are composed as text before; names of tables and
    columns that are not constants go through `identifier`.

    >>> filled("SELECT ts // $day FROM trades WHERE symbol = $symbol", day=86_400, symbol="A'B")
    "SELECT ts // 86400 FROM trades WHERE symbol = 'A''B'"

    Raises:
        Invalid: a value is missing, is not used, or cannot be written as a literal.
    """
    placeholders = set(NAME.findall(sql))
    for name in sorted(placeholders - values.keys()):
        raise Invalid(f"${name} has no value; give one.")
    for name in sorted(values.keys() - placeholders):
        raise Invalid(f"${name} is not in the query; leave its value out.")
    literals = {name: _literal(name, value) for name, value in values.items()}
    return NAME.sub(lambda match: literals[match[1]], sql)


def _literal(name: str, value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case int() if MIN_INTEGER <= value <= MAX_INTEGER:
            return _signed(str(int(value)))
        case float() if math.isfinite(value):
            return _signed(_fraction(value))
        case str() if value.encode("utf-8", "ignore").decode("utf-8") == value:  # no half of a surrogate pair
            return quote(value)
        case list() | tuple():
            return f"[{', '.join(_literal(name, item) for item in value)}]"
    raise Invalid(
        f"${name} is {value!r}; give a finite number of at most 64 bits, a text, true, false, null or a list of these."
    )


def _fraction(value: float) -> str:
    """The shortest decimal of a number: DuckDB reads it as DECIMAL where that is exact, so 0.07 * 100 is 7."""
    text = repr(float(value))
    digits = text.lstrip("-0.").replace(".", "")
    return text if "e" in text or len(digits) <= MAX_DECIMAL_DIGITS else f"{text}e0"


def _signed(number: str) -> str:
    """A number that may stand behind an operator: two minus signs would begin a comment."""
    return f"({number})" if number.startswith("-") else number
