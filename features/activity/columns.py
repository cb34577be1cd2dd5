"""What a table and a column are, and the short notation in which the activity tables are declared."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from features.activity.bounds import BOUNDS, Bound
from features.kernel.errors import Invalid

TIME = pa.timestamp("us", tz="UTC")
ARROW_TYPES: dict[str, pa.DataType] = {
    "id": pa.string(),
    "account": pa.string(),
    "text": pa.string(),
    "time": TIME,
    "int": pa.int64(),
    "bool": pa.bool_(),
    "float": pa.float64(),
    "positive": pa.float64(),
    "non_negative": pa.float64(),
    "share": pa.float64(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `kind` is a word of `ARROW_TYPES` or `enum`; an `account` refers to a row of `accounts`.

    `bound` is a word of `BOUNDS`, of numbers only; `form` says how identifiers are compared, a word of `FORMS`.
    """

    name: str
    kind: str
    required: bool
    values: tuple[str, ...] = ()
    meaning: str = ""
    bound: str | None = None
    form: str | None = None

    @property
    def limits(self) -> Bound | None:
        """Between which numbers the column's values lie; of a column without numbers None."""
        return BOUNDS[self.bound] if self.bound else None

    @property
    def is_event_clock(self) -> bool:
        """Whether the column says when a row happened or was learned of, which no later moment can be."""
        return self.name in EVENT_CLOCKS

    @property
    def is_id(self) -> bool:
        """Whether the column names an account or a row, and so holds to the rule for ids."""
        return self.kind in ("id", "account") and self.form is None

    @property
    def arrow_type(self) -> pa.DataType:
        """The Parquet type in which the lake keeps the column."""
        return pa.string() if self.kind == "enum" else ARROW_TYPES[self.kind]


@dataclass(frozen=True, slots=True)
class Table:
    """One activity table: its columns, the columns that identify a row, and the column that says when it happened.

    `rules` are (SQL condition that must not be false, sentence) pairs over the typed columns.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    time: str | None
    rules: tuple[tuple[str, str], ...] = ()

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            Invalid: the table has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise Invalid(f"Table {self.name} has no column {name!r}; it has {', '.join(c.name for c in self.columns)}.")

    @property
    def arrow_schema(self) -> pa.Schema:
        """The schema in which the lake keeps the table."""
        return pa.schema([(c.name, c.arrow_type) for c in self.columns])


EVENT_CLOCKS = ("ts", "created_at", "ingested_at")
BOUND_OF_KIND = {"int": "count", "share": "share"}
PRODUCT_BOUND = ("price * quantity < 1e12", "price times quantity is not below 1e12")
TIME_COLUMNS = ("ts", "created_at", "announced_at", "since", "valid_from", "effective_from", "starts_at", "known_at")
INGESTED_AT = Column(
    "ingested_at", "time", required=False, meaning="when the platform learned of the row; null = at once"
)
CANCELLED = Column(
    "cancelled", "bool", required=False, meaning="true: what an earlier row of this key says never happened"
)


def _columns(text: str) -> Iterator[Column]:
    for line in text.strip().splitlines():
        declaration, _, meaning = (part.strip() for part in line.partition("#"))
        name, kind, *more = declaration.split()
        word = more[0] if more else BOUND_OF_KIND.get(kind)
        values = tuple(kind.split("|")) if "|" in kind else ()
        required = not name.endswith("?")
        bound, form = (word, None) if word in BOUNDS else (None, word)
        yield Column(name.removesuffix("?"), "enum" if values else kind, required, values, meaning, bound, form)


def declare(
    name: str,
    meaning: str,
    columns: str,
    key: tuple[str, ...] | None = None,
    rules: tuple[tuple[str, str], ...] = (),
    *,
    is_activity: bool = True,
) -> Table:
    """A table of the notation's columns and those that every table may carry; without a key the whole row is it."""
    own = tuple(_columns(columns))
    parsed = (*own, INGESTED_AT, CANCELLED) if is_activity else (*own, INGESTED_AT)
    names = [column.name for column in own]
    time = next((candidate for candidate in TIME_COLUMNS if candidate in names), None)
    if {"price", "quantity"} <= set(names):
        rules = (*rules, PRODUCT_BOUND)
    return Table(name, meaning, parsed, key or tuple(names), time, rules)
