"""From activity to vectors: import, facts, patterns, features as data, point-in-time builds, evidence and labels.

`from features import ...` is the one door for notebooks; see `WHERE` for what it offers.
"""

from importlib import import_module
from typing import Any

WORDS = (
    "LIFETIME",
    "THE_EVENT",
    "by_then",
    "concentration",
    "count",
    "days",
    "distinct",
    "entropy",
    "first_to_last",
    "groups",
    "groups_reaching",
    "hours",
    "in_days",
    "in_hours",
    "in_seconds",
    "lag_between",
    "largest",
    "latest",
    "mean",
    "minutes",
    "new_values",
    "peak",
    "quantile",
    "ratio",
    "scaled",
    "share",
    "since_first",
    "since_last",
    "smaller_over_larger",
    "smallest",
    "sum_over",
    "total",
    "usd",
)
FACTS = {
    "BALANCES": "features.facts.engagement",
    "FILLS": "features.facts.fills",
    "FINDINGS": "features.facts.findings",
    "FLOWS": "features.facts.flows",
    "LINKS": "features.facts.links",
    "ORDERS": "features.facts.orders",
    "PARTICIPATIONS": "features.facts.engagement",
    "SECURITY": "features.facts.access",
    "SESSIONS": "features.facts.access",
    "STAKING": "features.facts.staking",
    "VERIFICATIONS": "features.facts.account_status",
}
UNITS_OF_TIME = ("DAY_US", "HOUR_US", "MINUTE_US")
COMBINATIONS = ("at_least", "modal_share", "product", "surge", "daily_minimum")

# Read at first use: a command should not wait for libraries that it does not need.
WHERE = {
    "Activity": "features.activity.snapshot",
    "CATALOGUE": "features.definitions",
    "Catalogue": "features.catalogue",
    "FAMILIES": "features.definitions",
    "Feature": "features.catalogue",
    "Features": "features.pipeline",
    "Home": "features.home",
    "Import": "features.activity.importing",
    "Lake": "features.activity.lake",
    "PROFILES": "features.simulator.profiles",
    "TABLES": "features.activity.schema",
    "build_vectors": "features.pipeline",
    "episode_evidence": "features.evidence",
    "episode_meanings": "features.derivation.deriving",
    "episode_measures": "features.derivation.deriving",
    "feature_evidence": "features.evidence",
    "lineage": "features.derivation.steps",
    "read_labels": "features.labels",
    "read_spine": "features.spine",
    "silent": "features.kernel.progress",
    "simulate": "features.simulator.exchange",
    "write_simulation": "features.simulator.writing",
    **FACTS,
    **dict.fromkeys(UNITS_OF_TIME, "features.kernel.moments"),
    **dict.fromkeys(WORDS, "features.vocabulary.aggregates"),
    **dict.fromkeys(COMBINATIONS, "features.vocabulary.combining"),
}


def __getattr__(name: str) -> Any:
    if name not in WHERE:
        raise AttributeError(f"features has no {name!r}; it offers {', '.join(sorted(WHERE))}.")
    return getattr(import_module(WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted(WHERE)
