"""The mapping document: what may stand in the YAML file, and the sentence that names a wrong entry."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError, WithJsonSchema

EPOCH_UNITS = ("seconds", "milliseconds", "microseconds", "nanoseconds")
MAX_PLUS_DAYS = 36_600
ANY_SCALAR = {"type": ["string", "number", "boolean", "null"]}
SENTENCES = {
    "missing": "is required",
    "string_type": "requires one value",
    "dict_type": "requires entries of the form 'name: value'",
    "list_type": "requires a SELECT or a list of entries",
    "model_type": "requires entries of the form 'name: value'",
    "too_short": "requires a SELECT or a list of entries",
    "bool_parsing": "requires true or false",
    "float_parsing": "requires a number",
}


def _empty(given: Any) -> Any:
    return {} if given == "" else given


def _listed(given: Any) -> Any:
    return [given] if isinstance(given, str) and given else given


def _source(given: Any) -> Any:
    return {"file": given} if isinstance(given, str) else given


def _form(given: Any) -> str:
    return "(select)" if isinstance(given, str) else "(columns)"


Scalar = Annotated[str, WithJsonSchema(ANY_SCALAR)]
Number = Annotated[float, Field(ge=-MAX_PLUS_DAYS, le=MAX_PLUS_DAYS, allow_inf_nan=False)]


class Entry(BaseModel):
    """Part of a mapping document; an unknown entry is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceEntry(Entry):
    """A file of the export under the name by which a SELECT reads it."""

    file: Scalar = Field(description="the file, relative to the imported folder")
    optional: bool = Field(
        default=False, description="whether it may be absent; SELECTs that read it are then left out"
    )
    header: bool = Field(default=True, description="whether the first line of the CSV file names its columns")
    columns: list[Scalar] | None = Field(default=None, description="names of the columns where there is no header")


class MadeColumn(Entry):
    """How one of our columns is made, in the order words, times, epoch unit, plus_days."""

    column: Scalar = Field(default="", description="the foreign column it is taken from")
    constant: Scalar = Field(default="", description="the same value in every row; nothing means null")
    row: Scalar = Field(default="", description="an id made of this prefix and the number of the row in its file")
    words: dict[str, Scalar] = Field(default={}, description="foreign value: our value; others stay as they are")
    times: Scalar = Field(default="", description="a factor: a number, or the name of a constant")
    seconds: bool = Field(default=False, description="the number counts seconds since 1970-01-01T00:00:00Z")
    milliseconds: bool = Field(default=False, description="the number counts milliseconds since then")
    microseconds: bool = Field(default=False, description="the number counts microseconds since then")
    nanoseconds: bool = Field(default=False, description="the number counts nanoseconds since then")
    plus_days: Number = Field(default=0.0, description="days to add to a moment, also parts of a day")


class Condition(Entry):
    """Which rows of the file are taken."""

    column: Scalar
    equals: Scalar


class ColumnsEntry(Entry):
    """One of our tables made column by column from one file: what a SELECT says, in words."""

    file: Scalar
    columns: dict[str, MadeColumn]
    only: Condition | None = None
    optional: bool = False


TableEntry = Annotated[
    Annotated[Scalar, Tag("(select)")] | Annotated[ColumnsEntry, Tag("(columns)")], Discriminator(_form)
]
TableEntries = Annotated[
    list[TableEntry],
    Field(min_length=1),
    BeforeValidator(_listed, json_schema_input_type=str | list[str | ColumnsEntry]),
]
SourceOrFile = Annotated[SourceEntry, BeforeValidator(_source, json_schema_input_type=str | SourceEntry)]


class MappingDocument(Entry):
    """A foreign export in terms of our tables."""

    name: Scalar = Field(default="", description="the name of the mapping, for messages")
    describes: Scalar = Field(default="", description="which export it reads and what the columns of its files mean")
    constants: Annotated[dict[str, Scalar], BeforeValidator(_empty)] = Field(
        default={}, description="values that a SELECT reads as $name, like a declared rate"
    )
    sources: Annotated[dict[str, SourceOrFile], BeforeValidator(_empty)] = Field(
        default={}, description="name of a table in the SELECTs: a file of the export"
    )
    accounts_from_parties: dict[str, Scalar] | None = Field(
        default=None, description="makes an account of every party at its first row, with these columns"
    )
    tables: dict[str, TableEntries] = Field(
        min_length=1, description="our table: a SELECT, or several, over the files of the export"
    )


def wrong_entry(error: ValidationError) -> str:
    """The first fault of a document as a sentence that begins with the entry."""
    fault = error.errors()[0]
    place = entry_name(part for part in fault["loc"] if not str(part).startswith("("))
    if fault["type"] == "extra_forbidden":
        return f"has the unknown entry {place!r}; see docs/mappings.md for the entries"
    sentence = SENTENCES.get(fault["type"], fault["msg"][0].lower() + fault["msg"][1:])
    shown = "" if fault["type"] == "missing" else f", not {_shortened(fault['input'])}"
    return f"{place or 'a mapping'} {sentence}{shown}"


def entry_name(parts: Any) -> str:
    """The place of an entry as one writes it: tables.transfers[0].columns.ts.

    >>> entry_name(["tables", "transfers", 0, "columns"])
    'tables.transfers[0].columns'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def _shortened(given: Any) -> str:
    shown = "nothing" if given == "" else repr(dict(given) if isinstance(given, Mapping) else given)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
