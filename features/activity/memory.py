"""How much memory DuckDB may hold, and connections that keep to it."""

import os
from contextlib import suppress
from pathlib import Path

import duckdb

from features.kernel.errors import Invalid

MEMORY_VARIABLE = "MSCORE_DUCKDB_MEMORY"
MEMORY = "3GB"


def connect(database: Path | None = None, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection in UTC that holds at most `MSCORE_DUCKDB_MEMORY` (default 3GB); the rest goes to `spill`.

    Raises:
        Invalid: the variable does not name an amount of memory.
    """
    memory = os.environ.get(MEMORY_VARIABLE, MEMORY)
    config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": memory}
    if spill:
        config["temp_directory"] = str(spill)
    try:
        connection = duckdb.connect(database or ":memory:", config=config)
    except duckdb.Error as error:
        raise Invalid(f"{MEMORY_VARIABLE} is {memory!r}; write it like 3GB or 2500MB.") from error
    connection.execute("SET TimeZone = 'UTC'")
    # The bar would stand on stdout, before a JSON document; where a notebook cannot show it, it cannot be set either.
    with suppress(duckdb.InvalidInputException):
        connection.execute("SET enable_progress_bar_print = false")
    return connection
