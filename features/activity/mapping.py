"""Brings a foreign table in: a small YAML file says which of its columns make which columns of ours."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from features.activity.files import SourceFile, identifier, quote
from features.activity.schema import LABELS, TABLES, Table
from features.kernel.errors import Invalid, NotFound

SHIPPED = Path(__file__).parent / "mappings"
TARGETS: dict[str, Table] = {**TABLES, LABELS.name: LABELS}
WORDS = {"column", "constant", "row", "times", "words", "plus_days", "seconds"}


@dataclass(frozen=True, slots=True)
class MappedRows:
    """The rows of one of our tables that each row of a foreign file makes.

    Attributes:
        table: our table.
        file: name of the foreign file.
        columns: our column -> how it is made (`column`, `constant` or `row`, with conversions).
        only: (foreign column, value) a source row must have, or none.
        optional: whether the file may be absent.
    """

    table: Table
    file: str
    columns: Dictionary[str, Dictionary[str, Any]]
    only: tuple[str, Any] | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Mapping:
    """A foreign export in terms of our tables; `accounts_from` makes an account for every party at its first row."""

    name: str
    rows: tuple[MappedRows, ...]
    constants: Dictionary[str, float]
    accounts_from: Dictionary[str, Any] | None


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
        document = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name} is not a YAML file: {str(error).splitlines()[0]}.") from error
    return _parsed(document, path.name)


def _parsed(document: Any, file: str) -> Mapping:
    if not isinstance(document, dict) or not document.get("tables") or not isinstance(document["tables"], dict):
        raise Invalid(f"{file} has no 'tables'; a mapping names the tables it makes.")
    unknown = document.keys() - {"name", "describes", "constants", "tables", "accounts_from_parties"}
    if unknown:
        raise Invalid(f"{file} has the unknown entry {sorted(unknown)[0]!r}.")
    rows = tuple(
        _rows(name, entry, file) for name, entries in document["tables"].items() for entry in _list(entries, name, file)
    )
    constants = _dictionary(document.get("constants") or {}, f"{file}: constants")
    for entry in rows:
        for column, made in entry.columns.items():
            _check_made(made, constants, f"{file}: {entry.table.name}.{column}")
    accounts_from = document.get("accounts_from_parties")
    if accounts_from is not None:
        _check_accounts(_dictionary(accounts_from, f"{file}: accounts_from_parties"), file)
    return Mapping(str(document.get("name", file)), rows, constants, accounts_from)


def _dictionary(found: Any, place: str) -> Dictionary[str, Any]:
    if not isinstance(found, dict):
        raise Invalid(f"{place} wants entries of the form 'name: value', not {found!r}.")
    return found


def _check_accounts(given: Dictionary[str, Any], file: str) -> None:
    """Accounts made from parties are not checked as rows, so what they all share must keep the contract."""
    accounts = TABLES["accounts"]
    for name, value in given.items():
        column = accounts.column(name)
        if column.kind == "enum" and value not in column.values:
            raise Invalid(
                f"{file}: accounts_from_parties gives {name} {value!r}; use one of {', '.join(column.values)}."
            )
    made = {"account_id", "created_at", *given}
    missing = [column.name for column in accounts.columns if column.required and column.name not in made]
    if missing:
        raise Invalid(f"{file}: accounts_from_parties lacks {missing[0]}, which every account wants.")


def _list(entries: Any, name: str, file: str) -> list[Any]:
    if not isinstance(entries, list) or not entries:
        raise Invalid(f"{file}: table {name} wants a list of entries, each with 'file' and 'columns'.")
    return entries


def _rows(name: str, entry: Any, file: str) -> MappedRows:
    if name not in TARGETS:
        raise Invalid(f"{file} makes table {name!r}, which does not exist; the tables are {', '.join(TARGETS)}.")
    if not isinstance(entry, dict) or not {"file", "columns"} <= entry.keys():
        raise Invalid(f"{file}: an entry of table {name} wants 'file' and 'columns'.")
    table = TARGETS[name]
    for column in _dictionary(entry["columns"], f"{file}: columns of table {name}"):
        table.column(column)
    only = entry.get("only")
    if only is not None and (not isinstance(only, dict) or only.keys() != {"column", "equals"}):
        raise Invalid(f"{file}: 'only' of table {name} wants 'column' and 'equals'.")
    condition = (str(only["column"]), only["equals"]) if only else None
    return MappedRows(table, str(entry["file"]), entry["columns"], condition, bool(entry.get("optional", False)))


def _check_made(made: Any, constants: Dictionary[str, float], place: str) -> None:
    if not isinstance(made, dict) or not made.keys() <= WORDS or len(made.keys() & {"column", "constant", "row"}) != 1:
        raise Invalid(f"{place} wants one of column, constant or row, with conversions among {sorted(WORDS)}.")
    if isinstance(made.get("times"), str) and made["times"] not in constants:
        raise Invalid(f"{place} multiplies by {made['times']!r}, which stands in no constants.")
    factor = constants[made["times"]] if isinstance(made.get("times"), str) else made.get("times", 1)
    for word, value in (("times", factor), ("plus_days", made.get("plus_days", 0))):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Invalid(f"{place} wants a number for {word}, not {value!r}.")
    _dictionary(made.get("words", {}), f"{place}: words")


def mapped_relation(mapping: Mapping, rows: MappedRows, file: SourceFile) -> str:
    """SQL that makes the rows of our table from a foreign file, with `_row` of the foreign row.

    Raises:
        Invalid: the file lacks a column that the mapping reads.
    """
    wanted = [str(made["column"]) for made in rows.columns.values() if "column" in made]
    wanted += [rows.only[0]] if rows.only else []
    missing = [name for name in wanted if name not in file.columns]
    if missing:
        raise Invalid(
            f"{file.path.name} has no column {missing[0]!r}, which mapping {mapping.name} reads; nothing was imported."
        )
    columns = ", ".join(f"{_made(made, mapping)} AS {identifier(name)}" for name, made in rows.columns.items())
    where = f" WHERE {_is(identifier(rows.only[0]), rows.only[1])}" if rows.only else ""
    return f"(SELECT {columns}, _row FROM {file.relation}{where})"


def _made(made: Dictionary[str, Any], mapping: Mapping) -> str:
    if "row" in made:
        return f"{quote(str(made['row']))} || '-' || CAST(_row AS VARCHAR)"
    expression = _literal(made["constant"]) if "constant" in made else identifier(str(made["column"]))
    if "words" in made:
        cases = " ".join(f"WHEN {_is(expression, k)} THEN {_literal(v)}" for k, v in made["words"].items())
        return f"CASE {cases} ELSE CAST({expression} AS VARCHAR) END"
    if made.get("seconds"):
        expression = f"make_timestamptz(TRY_CAST(TRY_CAST({expression} AS DOUBLE) * 1000000 AS BIGINT))"
    if "plus_days" in made:
        expression = f"TRY_CAST({expression} AS TIMESTAMPTZ) + INTERVAL {int(made['plus_days'])} DAY"
    if "times" in made:
        factor = made["times"]
        factor = float(mapping.constants[factor] if isinstance(factor, str) else factor)
        expression = f"TRY_CAST({expression} AS DOUBLE) * {factor!r}"
    return expression


def _is(expression: str, value: Any) -> str:
    """Whether a foreign value is the one that was written in the mapping; a CSV file has it as text."""
    if isinstance(value, int | float):
        return f"TRY_CAST({expression} AS DOUBLE) = {float(value)!r}"
    return f"CAST({expression} AS VARCHAR) = {quote(str(value))}"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return quote(str(value))
