"""Checks for drift and stores the result, for the page and the metrics."""

from datetime import datetime
from typing import Any

import pandas as pd

from features.kernel.moments import text_of
from features.pipeline import Features
from models.drift.signs import ADVERSARIAL_ALARM, Drift
from models.drift.watch import watch
from models.registry.registry import Registry
from serving.scoring.store import KEY, drift_checks
from serving.storage import Database
from serving.storage.service_state import ServiceState

MAX_HISTORY = 60


def watch_drift(
    at: pd.Timestamp, features: Features, registry: Registry, database: Database, now: datetime, seed: int
) -> Drift:
    """Check the moment and store the result, whole where no newer moment was checked.

    A second check of one moment replaces the first.
    """
    drift = watch(features, registry, at, seed)
    moment = text_of(at.to_pydatetime())
    latest = {
        "as_of": moment,
        "looked_at": text_of(now),
        "lake_version": features.activity.version,
        "adversarial_alarm": ADVERSARIAL_ALARM,
        **drift.as_json(),
    }
    with database.transaction() as transaction:
        stored = drift_checks(transaction)
        earlier = [check for check in stored.get("history", []) if check["as_of"] != moment]
        history = sorted([*earlier, _figures(latest)], key=lambda check: check["as_of"])[-MAX_HISTORY:]
        newest = max(stored.get("latest", latest), latest, key=lambda check: (check["as_of"], check["looked_at"]))
        ServiceState(transaction).put(KEY, {"latest": newest, "history": history}, now)
    return drift


def _figures(check: dict[str, Any]) -> dict[str, Any]:
    states = [column["state"] for column in check["columns"]]
    return {
        "as_of": check["as_of"],
        "adversarial_auc": check["adversarial_auc"],
        "martingale": check["martingale"],
        "act": states.count("act"),
        "watch": states.count("watch"),
        "alarms": len(check["alarms"]),
    }
