"""Names the links behind pairs of accounts, for the evidence of features that count pairs."""

import pandas as pd
import pyarrow as pa

from features.engines.duckdb import DuckDBEngine
from features.facts.associations import ASSOCIATIONS, WEAK_KINDS
from features.spellings import frame_as_written

PAIR = ["account_id", "other_id"]
COUNTS_PAIRS = (ASSOCIATIONS.name,)


def with_links(engine: DuckDBEngine, fact: str, rows: pd.DataFrame, moment: int) -> pd.DataFrame:
    """The rows of a fact about pairs with `linked_by`, every link that counts; `row_id` is that of the strongest.

    Each kind of link counts once, with its strongest value. Rows of other facts are given back as they are.

    Args:
        engine: holds the activity as it stood at the moment.
        fact: the name of the fact.
        rows: its rows, with account_id and other_id.
        moment: in microseconds.
    """
    if fact not in COUNTS_PAIRS or rows.empty:
        return rows
    links = _links(engine, rows[PAIR].drop_duplicates(), moment)
    written = frame_as_written(engine, links)
    words = (written["kind"].str.replace("_", " ") + " " + written["value"]).groupby([links[name] for name in PAIR])
    links = links.assign(row_id=links["value"]).drop_duplicates(PAIR)
    named = links[[*PAIR, "row_id"]].merge(words.agg(", ".join).rename("linked_by").reset_index(), on=PAIR)
    return rows.drop(columns="row_id").merge(named, on=PAIR, how="left")


def _links(engine: DuckDBEngine, pairs: pd.DataFrame, moment: int) -> pd.DataFrame:
    """The links of pairs that hold at a moment, one a kind, those that alone say most first."""
    engine.register("asked_pairs", pa.Table.from_pandas(pairs, preserve_index=False))
    weak = ", ".join(f"'{kind}'" for kind in WEAK_KINDS)
    return engine.frame(
        "FROM (SELECT account_id, other_id, kind, arg_min(row_id, (-weight, row_id)) AS value, max(weight) AS weight "
        "FROM fact_links SEMI JOIN asked_pairs USING (account_id, other_id) "
        "WHERE known_from <= ? AND (known_until IS NULL OR known_until > ?) "
        f"GROUP BY ALL) ORDER BY account_id, other_id, kind IN ({weak}), weight DESC, kind",
        [moment, moment],
    )
