"""Collects the rows that agents emit, column by column, and turns them into Arrow tables of the activity contract."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.activity.schema import Column, Table, table
from features.simulator.naming import Names
from features.simulator.vectors import NONE, Ints

AnyArray = npt.NDArray[Any]
Values = AnyArray | float | int | str | bool
ABSENT = np.iinfo(np.int64).min
NUMBERS = ("float", "positive", "non_negative", "share")
NAMED = ("id", "account", "text")


def code(table_name: str, column: str, word: str) -> int:
    """The number by which a column of enum values keeps a word.

    >>> code("trades", "taker_side", "sell")
    1
    """
    return table(table_name).column(column).values.index(word)


class Ledger:
    """Rows of all activity tables.

    Enum columns take a word or an array of codes (see `code`); ids, accounts and texts take a word, an array of words,
    or integers that `Names` spells (-1 = null); times are microseconds; in numbers NaN is null, in flags -1.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._parts: dict[str, list[dict[str, AnyArray]]] = defaultdict(list)
        self._used: Counter[str] = Counter()

    def fresh(self, kind: str, count: int) -> Ints:
        """`count` ids of that kind that nobody has yet."""
        first = self._used[kind]
        self._used[kind] += count
        return np.arange(first, first + count, dtype=np.int64)

    def emit(self, table_name: str, rows: int, /, **columns: Values) -> None:
        """Add rows to a table; scalars hold for all rows.

        Raises:
            Invalid: the table or a column does not exist.
        """
        declared = table(table_name)
        part = {name: _encoded(declared.column(name), values, rows) for name, values in columns.items()}
        if rows:
            self._parts[table_name].append(part)

    def column(self, table_name: str, column: str) -> AnyArray:
        """All values emitted so far in one column that every part carries, in the order of emission."""
        parts = [part[column] for part in self._parts[table_name]]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def tables(self) -> Mapping[str, pa.Table]:
        """Every table that has rows, in time order, with the contract's schema."""
        return {name: self._arrow(table(name), parts) for name, parts in self._parts.items() if parts}

    def _arrow(self, declared: Table, parts: list[dict[str, AnyArray]]) -> pa.Table:
        sizes = [len(next(iter(part.values()))) for part in parts]
        order = np.arange(sum(sizes))
        if declared.time:
            order = np.argsort(np.concatenate([part[declared.time] for part in parts]), kind="stable")
        arrays = []
        for column in declared.columns:
            if any(column.name in part for part in parts):
                pieces = [part.get(column.name, _nulls(column, size)) for part, size in zip(parts, sizes, strict=True)]
                arrays.append(self._array(column, _joined(self._names, column, pieces)[order]))
            else:
                arrays.append(pa.nulls(len(order), column.arrow_type))
        return pa.table(arrays, schema=declared.arrow_schema)

    def _array(self, column: Column, values: AnyArray) -> pa.Array:
        if column.kind == "enum":
            indices = pa.array(values, mask=values < 0)
            return pa.DictionaryArray.from_arrays(indices, pa.array(column.values)).cast(pa.string())
        if column.kind in NAMED:
            if values.dtype == object:
                return pa.array(values, type=pa.string())
            return self._names.texts(column.name, values.astype(np.int64))
        if column.kind in NUMBERS:
            return pa.array(values, mask=np.isnan(values.astype(np.float64)))
        if column.kind == "bool":
            return pa.array(values == 1, mask=values < 0)
        return pa.array(values, mask=values == ABSENT).cast(column.arrow_type)


def _encoded(column: Column, values: Values, rows: int) -> AnyArray:
    if column.kind == "enum" and isinstance(values, str):
        values = column.values.index(values)
    kinds: dict[str, type] = {"enum": np.int8, "bool": np.int8} | dict.fromkeys(NUMBERS, np.float64)
    array = np.asarray(values)
    if column.kind in NAMED and array.dtype.kind in "OU":
        array = array.astype(object)
    else:
        array = array.astype(kinds.get(column.kind, np.int64))
    return np.broadcast_to(array, (rows,))


def _nulls(column: Column, rows: int) -> AnyArray:
    if column.kind in NUMBERS:
        return np.full(rows, np.nan)
    return np.full(rows, ABSENT if column.kind in ("time", "int") else NONE)


def _joined(names: Names, column: Column, pieces: list[AnyArray]) -> AnyArray:
    if column.kind in NAMED and any(piece.dtype == object for piece in pieces):
        pieces = [
            piece if piece.dtype == object else np.array(names.texts(column.name, piece).to_pylist(), dtype=object)
            for piece in pieces
        ]
    return np.concatenate(pieces)
