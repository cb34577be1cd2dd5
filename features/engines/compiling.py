"""Turns expressions into the SQL of DuckDB: once a process and, of what belongs to the catalogue, once a lake."""

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.expr.operations.relations import Relation

from features.kernel.cache import keep, name_of_code


def compiled(expression: ir.Table) -> str:
    """The expression as DuckDB SQL."""
    return _compiled(expression.op())


@lru_cache(maxsize=512)
def _compiled(operation: Relation) -> str:
    return str(ibis.to_sql(operation.to_expr(), dialect="duckdb"))


class KeptSql:
    """The SQL of expressions by name, kept in a folder for the next process; without a folder nothing is kept.

    A name stands for one expression of the present code: other code keeps a file of its own.
    """

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / f"sql-{name_of_code()}.json" if folder else None
        self._texts: dict[str, str] = {}
        self._is_new = False
        try:
            if self._file:
                self._texts = dict(json.loads(self._file.read_bytes()))
        except (OSError, ValueError, TypeError):  # not kept yet, or damaged
            pass

    def of(self, name: str, compiling: Callable[[], str]) -> str:
        """The SQL kept under the name, or what is compiled now."""
        if name not in self._texts:
            self._texts[name] = compiling()
            self._is_new = True
        return self._texts[name]

    def keep(self) -> None:
        """Writes what has been compiled since, so that the next process finds it."""
        if self._file and self._is_new:
            keep(self._file, json.dumps(self._texts))
            self._is_new = False
