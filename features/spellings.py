"""How identifiers were written that facts hold in the form in which they compare, for whoever shows them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from features.activity.files import identifier, quote
from features.activity.identifiers import FORMS, spelt_sql
from features.activity.schema import TABLES
from features.engines.duckdb import DuckDBEngine, written_view

SPELLINGS = "spellings"
# Sessions, keys and orders that another row refers to are never shown.
NEVER_SHOWN = ("session_id", "api_key_id", "maker_order_id", "taker_order_id")
LINKING = tuple(name for name, form in FORMS.items() if form.links)
FORMS_OF_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "symbol": ("symbol",),
    "asset": ("asset",),
    "country": ("country",),
    "ip": ("ip",),
    "device_id": ("token",),
    "other": LINKING,
    "value": LINKING,
    "wallet": LINKING,
}
"""The columns of facts that hold identifiers, with the forms that they may have."""


def as_written(engine: DuckDBEngine, texts: Iterable[str], forms: Iterable[str] = tuple(FORMS)) -> dict[str, str]:
    """The texts that were written otherwise, with the first of their spellings."""
    _collect(engine)
    query = (
        f"SELECT comparable, min(written) FROM {SPELLINGS} WHERE list_contains($1, comparable) "
        "AND list_contains($2, form) GROUP BY comparable"
    )
    rows = engine.connection.execute(query, [sorted(set(texts)), list(forms)]).fetchall()
    return dict(rows)


def frame_as_written(engine: DuckDBEngine, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a fact with their identifiers as they were written."""
    for name in FORMS_OF_COLUMNS.keys() & set(rows.columns):
        texts = rows[name].dropna()
        spellings = as_written(engine, texts.unique().tolist(), FORMS_OF_COLUMNS[name]) if len(texts) else {}
        if spellings:
            rows = rows.assign(**{name: rows[name].replace(spellings)})
    return rows


def episodes_as_written(engine: DuckDBEngine, episodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Episodes with the sentences of their evidence and the shared values of their links as they were written."""
    words = {word for episode in episodes for row in episode["evidence"] for word in _words(row[3])}
    values = {str(link[3]) for episode in episodes for link in episode["links"]}
    spellings = as_written(engine, words | values) if words | values else {}
    if not spellings:
        return episodes
    return [
        episode
        | {
            "evidence": [[*row[:3], _rewritten(row[3], spellings), *row[4:]] for row in episode["evidence"]],
            "links": [[*link[:3], spellings.get(link[3], link[3]), *link[4:]] for link in episode["links"]],
        }
        for episode in episodes
    ]


def _words(sentence: str) -> list[str]:
    return re.findall(r"[^\s,;()]+", sentence)


def _rewritten(sentence: str, spellings: Mapping[str, str]) -> str:
    return re.sub(r"[^\s,;()]+", lambda word: spellings.get(word.group(), word.group()), sentence)


def _collect(engine: DuckDBEngine) -> None:
    is_collected = engine.connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = $1", [SPELLINGS]
    ).fetchall()
    if is_collected:
        return
    parts = [
        _spellings(str(column.form), identifier(column.name), written_view(table.name))
        for table in TABLES.values()
        for column in table.columns
        if column.form in FORMS
        and column.name not in NEVER_SHOWN
        and column.name in engine.columns(written_view(table.name))
    ]
    rows = " UNION ALL ".join(parts)
    engine.create(SPELLINGS, f"SELECT DISTINCT form, comparable, written FROM ({rows}) WHERE comparable <> written")


def _spellings(form: str, name: str, view: str) -> str:
    return f"SELECT {quote(form)} AS form, {spelt_sql(form, name)} AS comparable, {name} AS written FROM {view}"
