"""Reads the labels that lie apart from activity; only training may import this."""

import duckdb
import pandas as pd

from features.activity.files import quote
from features.activity.lake import Lake
from features.activity.schema import LABELS


def read_labels(lake: Lake) -> pd.DataFrame:
    """All labels of the newest lake version (columns of `schema.LABELS`), times in UTC; empty where there are none."""
    files = lake.snapshot().files.get(LABELS.name, ())
    if not files:
        empty: pd.DataFrame = LABELS.arrow_schema.empty_table().to_pandas()
        return empty
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        relation = f"read_parquet([{', '.join(map(quote, files))}], union_by_name = true)"
        columns = ", ".join(column.name for column in LABELS.columns)
        query = f"SELECT {columns} FROM {relation} ORDER BY known_at, account_id, typology, event_id"
        frame: pd.DataFrame = connection.sql(query).to_arrow_table().cast(LABELS.arrow_schema).to_pandas()
    return frame
