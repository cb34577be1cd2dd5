"""What a fact table is: one row per thing an account did, with the moment it happened and the moments it was known."""

from dataclasses import dataclass

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from features.activity.bounds import MAX_SUM, MAX_USD
from features.activity.schema import TABLES, Column
from features.kernel.units import MICRO

IBIS_TYPES = {"int": "int64", "bool": "boolean", "time": "int64", "float": "float64"}
NUMBERS = {"positive", "non_negative", "share", "float"}


@dataclass(frozen=True, eq=False, slots=True)
class Fact:
    """A table derived from activity, row by row.

    Attributes:
        name: how the fact is called in the engine and in fingerprints.
        meaning: one clause saying what one row is.
        rows: an Ibis expression over the activity tables of `activity_table`. Its columns include `account_id`,
            `ts`, `known_from` (int64 microseconds since 1970 UTC), `known_until` (the same or null) and `row_id`.
        evidence_table: the activity table in which `row_id` is found.
        patterns: the patterns whose episodes it reads, by name; `*` reads those of every pattern.
        version: moves when the same activity gives other rows.
    """

    name: str
    meaning: str
    rows: ir.Table
    evidence_table: str
    patterns: tuple[str, ...] = ()
    version: int = 1

    @property
    def writes(self) -> str:
        """What the engine calls the materialised fact."""
        return f"fact_{self.name}"

    @property
    def uses(self) -> tuple[str, ...]:
        """What it reads: activity tables and facts by their names in the engine, and patterns by theirs."""
        tables = {node.name for node in self.rows.op().find(ops.UnboundTable)}
        return tuple(sorted(tables - {"episodes"})) + self.patterns

    @property
    def table(self) -> ir.Table:
        """The materialised fact as an unbound Ibis table, for facts that are made of it."""
        return ibis.table(self.rows.schema(), name=self.writes)

    @property
    def numbered(self) -> ir.Table:
        """The same with `account_no`, the engine's number for the account, for whoever joins a spine."""
        return ibis.table({**self.rows.schema(), "account_no": "int32"}, name=self.writes)


def _ibis_type(column: Column) -> str:
    return "float64" if column.kind in NUMBERS else IBIS_TYPES.get(column.kind, "string")


def activity_table(name: str) -> ir.Table:
    """The activity table as engines present it: times as int64 microseconds since 1970 UTC, plus `known_from`."""
    columns = {column.name: _ibis_type(column) for column in TABLES[name].columns}
    return ibis.table({**columns, "known_from": "int64"}, name=name)


ACCOUNT_NUMBERS = ibis.table({"account_id": "string", "account_no": "int32"}, name="account_numbers")
"""Every account that activity names, and the number that an engine gives it."""
NEVER_ENDS = ibis.null("int64")


def not_negative(value: ir.IntegerValue) -> ir.IntegerValue:
    """The value, 0 where it is below, null where it is null (an engine's `greatest` would forget the null)."""
    return ibis.cases((value < 0, 0), else_=value)


def previously_known(rows: ir.Table) -> ir.Table:
    """The rows with `gap_us`, the time since the row of the same account that was known just before.

    Rows are ordered by when they were *known*, so a row that arrives late never changes the gap of an earlier one.
    """
    window = ibis.window(group_by=rows.account_id, order_by=[rows.known_from, rows.ts, rows.row_id])
    return rows.mutate(gap_us=not_negative(rows.ts - rows.ts.lag().over(window)))


def first_known(rows: ir.Table, key: str, event: str) -> ir.Table:
    """Per key, when something first became known: `<event>_at` (when it happened) and `<event>_known_at`."""
    earliest = ibis.struct({"known_from": rows.known_from, "ts": rows.ts})
    return rows.group_by(key).agg(
        **{f"{event}_at": rows.ts.argmin(earliest), f"{event}_known_at": rows.known_from.min()}
    )


def micro_usd(value: ir.FloatingValue) -> ir.IntegerValue:
    """Money as integer millionths of a dollar, so that sums are exact on every engine; 0 where it is no number.

    Beyond the bound of a row it is the bound: what a lake holds from before there was one must not stop the rest.
    """
    return rounded(value, MICRO, MAX_USD)


def rounded(value: ir.FloatingValue, times: int, most: float) -> ir.IntegerValue:
    """The value times a factor as an integer, the value itself held between `-most` and `most`; 0 if no number."""
    limited = ibis.least(ibis.greatest(value, -most), most)
    is_number = ~(value.isnan() | value.isinf())
    return ibis.cases((is_number, (limited * times).round().cast("int64")), (~is_number, 0))


def in_64_bits(total: ir.IntegerValue) -> ir.IntegerValue:
    """A sum, which engines hold in 128 bits, held within 64, with room for adding two of them."""
    return ibis.cases((total > MAX_SUM, MAX_SUM), (total < -MAX_SUM, -MAX_SUM), else_=total).cast("int64")
