"""Translates the short words of a mapping (column, times, seconds, words …) into the SELECT that they mean."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.activity.checking import INTEGRAL_TYPES, MOMENT_TEXT
from features.activity.files import SourceFile, identifier, quote
from features.activity.mapping.document import EPOCH_UNITS, ColumnsEntry, MadeColumn
from features.activity.mapping.statement import NUMBER
from features.activity.schema import Table
from features.kernel.errors import Invalid

TEXT = "VARCHAR"
MICROSECONDS_A_DAY = 86_400_000_000
WRITTEN_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"
EARLIEST, LATEST = "TIMESTAMPTZ '0001-01-01 00:00:00Z'", "TIMESTAMPTZ '9999-12-31 23:59:59.999999Z'"
TRUTH_WORDS = ("true", "false")


@dataclass(frozen=True, slots=True)
class ColumnsStatement:
    """Rows of one of our tables, made column by column from one file.

    Attributes:
        table: our table.
        place: the entry of the document, for messages.
        mapping: the name of the mapping, for messages.
        entry: the columns as the document has them.
        constants: name -> value as written.
    """

    table: Table
    place: str
    mapping: str
    entry: ColumnsEntry
    constants: Mapping[str, str]

    @property
    def adds_up(self) -> bool:
        """A row is made of one row."""
        return False

    @property
    def reads(self) -> tuple[str, ...]:
        """The one file."""
        return (self.entry.file,)

    def sql(self, opened: Mapping[str, SourceFile]) -> str:
        """The SELECT that the words mean for this file.

        Raises:
            Invalid: the file lacks a column that is read.
        """
        kinds = opened[self.entry.file].columns
        wanted = [made.column for made in self.entry.columns.values() if made.column]
        wanted += [self.entry.only.column] if self.entry.only else []
        missing = [name for name in wanted if name not in kinds]
        if missing:
            raise Invalid(
                f"{self.entry.file} has no column {missing[0]!r}, which mapping {self.mapping} reads; "
                "nothing was imported."
            )
        columns = ", ".join(
            f"{self._made(made, kinds)} AS {identifier(name)}" for name, made in self.entry.columns.items()
        )
        only = self.entry.only
        where = f" WHERE {equals(identifier(only.column), only.equals)}" if only else ""
        return f"SELECT {columns}, _row FROM {identifier(self.entry.file)}{where}"

    def _made(self, made: MadeColumn, kinds: Mapping[str, str]) -> str:
        if "row" in made.model_fields_set:
            return f"{quote(made.row)} || '-' || CAST(_row AS VARCHAR)"
        if made.column:
            value, kind = identifier(made.column), kinds[made.column]
        else:
            value, kind = quote(made.constant) if made.constant else "CAST(NULL AS VARCHAR)", TEXT
        if made.words:
            cases = " ".join(f"WHEN {equals(value, word)} THEN {_text(ours)}" for word, ours in made.words.items())
            value, kind = f"CASE {cases} ELSE CAST({value} AS VARCHAR) END", TEXT
        unit = epoch_unit(made)
        if made.times:
            value, kind = self._multiplied(value, kind, made), kind if kind == TEXT else "DOUBLE"
        if unit:
            value, kind = _or_as_written(f"from_{unit}({value})", value, kind, moment=True)
        if made.plus_days:
            value = _moved(value, kind, made.plus_days)
        return value

    def _multiplied(self, value: str, kind: str, made: MadeColumn) -> str:
        factor = float(self.constants.get(made.times, made.times))
        product, _ = _or_as_written(f"TRY_CAST({value} AS DOUBLE) * {factor!r}::DOUBLE", value, kind, moment=False)
        return product


def epoch_unit(made: MadeColumn) -> str | None:
    """The one epoch unit that is on, if any."""
    return next((unit for unit in EPOCH_UNITS if getattr(made, unit)), None)


def equals(expression: str, written: str) -> str:
    """SQL that holds where a foreign value is the written one: 1 is also 1.0, and 0123 is a text.

    >>> equals('"kind"', "NO")
    'CAST("kind" AS VARCHAR) = \\'NO\\''
    """
    alike = f"CAST({expression} AS VARCHAR) = {quote(written)}"
    if NUMBER.fullmatch(written):
        return f"(TRY_CAST({expression} AS DOUBLE) = {float(written)!r}::DOUBLE OR {alike})"
    if written in TRUTH_WORDS:
        return f"(TRY_CAST({expression} AS BOOLEAN) = {written} OR {alike})"
    return alike


def _text(written: str) -> str:
    return quote(written) if written else "NULL"


def _or_as_written(converted: str, value: str, kind: str, *, moment: bool) -> tuple[str, str]:
    """The converted value, but of a text that cannot be converted the text itself: the row is set aside with it."""
    if kind != TEXT:
        return converted, "TIMESTAMP WITH TIME ZONE" if moment else "DOUBLE"
    shown = _written_moment(converted) if moment else f"CAST({converted} AS VARCHAR)"
    return f"coalesce({shown}, {value})", TEXT


def _written_moment(moment: str) -> str:
    """The moment as text; null outside of the years that can be written, so that the number stays to be seen."""
    return (
        f"CASE WHEN {moment} BETWEEN {EARLIEST} AND {LATEST} "
        f"THEN strftime(({moment}) AT TIME ZONE 'UTC', {quote(WRITTEN_MOMENT)}) END"
    )


def _moved(value: str, kind: str, days: float) -> str:
    """A moment moved by days; a text that is none, and a number, stay as they are and are set aside for it."""
    if kind.partition("(")[0] in (*INTEGRAL_TYPES, "DOUBLE", "FLOAT", "DECIMAL"):
        return value
    step = f"to_microseconds({round(days * MICROSECONDS_A_DAY)})"
    moved = f"TRY_CAST({value} AS TIMESTAMPTZ) + {step}"
    if kind != TEXT:
        return moved
    is_moment = f"regexp_full_match({value}, {quote(MOMENT_TEXT)})"
    return f"CASE WHEN {is_moment} THEN coalesce({_written_moment(moved)}, {value}) ELSE {value} END"
