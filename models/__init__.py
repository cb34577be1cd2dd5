"""From vectors to scores: anomaly, violations and M Score, their evaluation, explanations and registry."""

import os

# MLflow reads these: nothing is reported to anybody, and no progress is drawn, unless the caller asked for it.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
