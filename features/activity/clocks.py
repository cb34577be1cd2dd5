"""Says from when the rows of an import count as learned of, so that no import rewrites the past."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from features.activity.files import identifier
from features.activity.schema import LABELS, Table
from features.kernel.moments import microseconds


@dataclass(frozen=True, slots=True)
class Clocks:
    """How the rows of one import are dated.

    Attributes:
        imported_at: the import's moment.
        is_history: whether rows are taken as learned of when they say, or else when they happened.
        newest_held_us: by table the newest microsecond at which the lake learned of a row.
    """

    imported_at: datetime
    is_history: bool
    newest_held_us: Mapping[str, int] = field(default_factory=dict)

    def claimed(self, table: Table) -> str:
        """SQL of when a row says that it was learned of, by which rows of one key are put in order."""
        return f"coalesce(ingested_at, {self._default(table)})"

    def is_redated(self, table: Table) -> str:
        """SQL condition of the rows that claim to be older than the newest held row, and count from the import on."""
        newest = self.newest_held_us.get(table.name)
        if self._is_history(table) or newest is None:
            return "false"
        return f"coalesce(ingested_at < make_timestamptz({newest}), false)"

    def dated(self, table: Table, redated: str) -> str:
        """SQL of the `ingested_at` that the lake keeps, given the SQL condition of the rows that count from now on."""
        if self._is_history(table):
            return "ingested_at"
        late = f"WHEN {redated} THEN greatest(ingested_at, {self.now})"
        return f"CASE WHEN ingested_at IS NULL THEN {self.now} {late} ELSE ingested_at END"

    def newest(self, table: Table, dated: str) -> str:
        """SQL aggregate of the newest microsecond at which a row was learned of, at most the import's moment."""
        return f"epoch_us(max(least(coalesce({dated}, {identifier(str(table.time))}), {self.now})))"

    @property
    def now(self) -> str:
        """SQL of the import's moment."""
        return f"make_timestamptz({microseconds(self.imported_at)})"

    def _is_history(self, table: Table) -> bool:
        return self.is_history or table.name == LABELS.name

    def _default(self, table: Table) -> str:
        return identifier(str(table.time)) if self._is_history(table) else self.now
