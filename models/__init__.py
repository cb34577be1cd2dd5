"""From vectors to scores: anomaly, violations and M Score, their evaluation, explanations and registry."""

import os
from importlib import import_module
from typing import Any

# MLflow reads these: nothing is reported to anybody, and no progress is drawn, unless the caller asked for it.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

# Read at first use: the command line should not wait for libraries that a command does not need.
WHERE = {
    "AnomalyModel": "models.anomaly.model",
    "Explainer": "models.explanations.explainer",
    "MScoreModel": "models.m_score.model",
    "ORDER": "models.runs",
    "Registry": "models.registry.registry",
    "Request": "models.runs",
    "RiskClassifier": "models.boosting.classifier",
    "ViolationModels": "models.violations.model",
    "VectorLayout": "models.vectors",
    "points_of": "models.m_score.scale",
    "train": "models.runs",
    "train_violations": "models.training",
    "with_evidence": "models.explanations.evidence",
}


def __getattr__(name: str) -> Any:
    if name not in WHERE:
        raise AttributeError(f"models has no {name!r}; it offers {', '.join(WHERE)}.")
    return getattr(import_module(WHERE[name]), name)
