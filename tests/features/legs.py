"""An engine over an activity that already holds the legs of its trades."""

from features.activity.snapshot import Activity
from features.engines.duckdb import DuckDBEngine
from features.facts.legs import LEGS


def engine_with_legs(activity: Activity) -> DuckDBEngine:
    """The engine, with `fact_legs`."""
    engine = DuckDBEngine(activity)
    engine.create_fact(LEGS.writes, LEGS.rows)
    return engine
