"""Looks at drift and keeps what was found, for the page and the metrics."""

from datetime import datetime
from typing import Any

import pandas as pd

from features.kernel.moments import text_of
from features.pipeline import Features
from models.drift.signs import ADVERSARIAL_ALARM, Drift
from models.drift.watch import watch
from models.registry.registry import Registry
from serving.scoring.store import KEY, looks
from serving.storage import Database
from serving.storage.service_state import ServiceState

KEPT = 60


def watch_drift(
    at: pd.Timestamp, features: Features, registry: Registry, database: Database, now: datetime, seed: int
) -> Drift:
    """Look at the moment and keep what was found, whole where no newer moment was looked at.

    A second look at one moment takes the place of the first.
    """
    found = watch(features, registry, at, seed)
    moment = text_of(at.to_pydatetime())
    latest = {
        "as_of": moment,
        "looked_at": text_of(now),
        "lake_version": features.activity.version,
        "adversarial_alarm": ADVERSARIAL_ALARM,
        **found.as_json(),
    }
    with database.transaction() as transaction:
        kept = looks(transaction)
        earlier = [look for look in kept.get("history", []) if look["as_of"] != moment]
        history = sorted([*earlier, _figures(latest)], key=lambda look: look["as_of"])[-KEPT:]
        newest = max(kept.get("latest", latest), latest, key=lambda look: (look["as_of"], look["looked_at"]))
        ServiceState(transaction).put(KEY, {"latest": newest, "history": history}, now)
    return found


def _figures(look: dict[str, Any]) -> dict[str, Any]:
    states = [column["state"] for column in look["columns"]]
    return {
        "as_of": look["as_of"],
        "adversarial_auc": look["adversarial_auc"],
        "martingale": look["martingale"],
        "act": states.count("act"),
        "watch": states.count("watch"),
        "alarms": len(look["alarms"]),
    }
