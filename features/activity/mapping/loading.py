"""Loads a mapping: a YAML file, or a shipped one by its name, with every entry checked before a file is read."""

from collections.abc import Iterator
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import yaml
from pydantic import ValidationError

from features.activity.files import SourceFile
from features.activity.mapping.document import (
    EPOCH_UNITS,
    ColumnsEntry,
    MadeColumn,
    MappingDocument,
    SourceEntry,
    wrong_entry,
)
from features.activity.mapping.statement import NUMBER, checked_select
from features.activity.mapping.text_yaml import read_text_yaml
from features.activity.mapping.words import ColumnsStatement
from features.activity.schema import LABELS, TABLES, Table
from features.kernel.errors import Invalid, NotFound

SHIPPED = Path(__file__).parents[1] / "mappings"
TARGETS: dict[str, Table] = {**TABLES, LABELS.name: LABELS}


class Statement(Protocol):
    """What makes rows of one of our tables from foreign files: `sql` is the SELECT over views named as `reads`."""

    @property
    def table(self) -> Table:
        """Our table."""

    @property
    def place(self) -> str:
        """The entry of the document, for messages."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the sources it reads."""

    @property
    def adds_up(self) -> bool:
        """Whether the order in which it takes rows may show in the last digits of what it makes."""

    def sql(self, opened: Dictionary[str, SourceFile]) -> str:
        """The SELECT over the opened sources."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping: the sources by name, the statements in their order, and what made accounts share."""

    name: str
    sources: Dictionary[str, SourceEntry]
    statements: tuple[Statement, ...]
    accounts_from: dict[str, str] | None


def load_mapping(reference: str) -> Mapping:
    """The mapping in a file, or the shipped one of that name.

    Raises:
        NotFound: neither a file nor a shipped mapping.
        Invalid: the file is not a mapping; the message names the entry.
    """
    path = Path(reference)
    if not path.is_file():
        path = SHIPPED / f"{reference.removesuffix('.yaml')}.yaml"
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.yaml")))
        raise NotFound(f"There is no mapping {reference!r}; give a YAML file or one of the shipped ones: {shipped}.")
    try:
        document = read_text_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name} is not a YAML file: {_reason(error)}.") from error
    if not isinstance(document, dict) or not document.get("tables"):
        raise Invalid(f"{path.name} has no 'tables'; a mapping names the tables it makes.")
    try:
        return _checked(MappingDocument.model_validate(document), path.name)
    except ValidationError as error:
        raise Invalid(f"{path.name}: {wrong_entry(error)}.") from error


def _reason(error: Exception) -> str:
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: {problem}" if problem and mark else str(error).splitlines()[0]


def _checked(document: MappingDocument, file: str) -> Mapping:
    sources = dict(document.sources)
    folded = {name.lower(): name for name in sources}
    if len(folded) < len(sources):
        raise Invalid(f"{file}: two sources have names that differ by case only; SQL takes them for one.")
    for name, source in sources.items():
        if source.header == bool(source.columns):
            wants = "has a header, so leave 'columns' out" if source.header else "has no header, so name its 'columns'"
            raise Invalid(f"{file}: sources.{name} {wants}.")
    name = document.name or file
    statements = tuple(_statements(document, name, file, folded))
    for statement in statements:
        for read in statement.reads:
            if read not in sources:
                optional = isinstance(statement, ColumnsStatement) and statement.entry.optional
                sources[read] = SourceEntry(file=read, optional=optional)
    for read, source in sources.items():
        if Path(source.file).is_absolute() or ".." in Path(source.file).parts or "://" in source.file:
            raise Invalid(f"{file}: source {read} lies outside of the imported folder: {source.file}.")
    if document.accounts_from_parties is not None:
        _check_accounts(document.accounts_from_parties, file)
    return Mapping(name, sources, statements, document.accounts_from_parties)


def _statements(document: MappingDocument, name: str, file: str, sources: Dictionary[str, str]) -> Iterator[Statement]:
    for target, entries in document.tables.items():
        if target not in TARGETS:
            raise Invalid(f"{file} makes table {target!r}, which does not exist; the tables are {', '.join(TARGETS)}.")
        table = TARGETS[target]
        for position, entry in enumerate(entries):
            place = f"{file}: tables.{target}[{position}]" if len(entries) > 1 else f"{file}: tables.{target}"
            if isinstance(entry, str):
                yield checked_select(entry, table, place, sources, document.constants)
            else:
                _check_columns(entry, table, document.constants, place)
                yield ColumnsStatement(table, place, name, entry, document.constants)


def _check_columns(entry: ColumnsEntry, table: Table, constants: Dictionary[str, str], place: str) -> None:
    for column, made in entry.columns.items():
        try:
            table.column(column)
        except Invalid as error:
            raise Invalid(f"{place}: {error}") from error
        _check_made(made, constants, f"{place}.{column}")


def _check_made(made: MadeColumn, constants: Dictionary[str, str], place: str) -> None:
    if len(made.model_fields_set & {"column", "constant", "row"}) != 1:
        raise Invalid(f"{place} requires one of column, constant or row.")
    units = [unit for unit in EPOCH_UNITS if getattr(made, unit)]
    if len(units) > 1:
        raise Invalid(f"{place} counts in {' and in '.join(units)}; leave one.")
    if not made.times or NUMBER.fullmatch(made.times):
        return
    if made.times not in constants:
        raise Invalid(f"{place} multiplies by {made.times!r}, which is not in the constants.")
    if not NUMBER.fullmatch(constants[made.times]):
        raise Invalid(f"{place} requires a number for times, not {constants[made.times]!r}.")


def _check_accounts(given: Dictionary[str, str], file: str) -> None:
    """What all made accounts share; the accounts themselves are then checked like every row."""
    accounts = TABLES["accounts"]
    for name, value in given.items():
        column = accounts.column(name)
        if not value:
            raise Invalid(
                f"{file}: accounts_from_parties.{name} has no value; leave the entry out where it is unknown."
            )
        if column.kind == "enum" and value not in column.values:
            words = ", ".join(column.values)
            raise Invalid(f"{file}: accounts_from_parties gives {name} {value!r}; use one of {words}.")
    made = {"account_id", "created_at", *given}
    missing = [column.name for column in accounts.columns if column.required and column.name not in made]
    if missing:
        raise Invalid(f"{file}: accounts_from_parties lacks {missing[0]}, which every account requires.")
