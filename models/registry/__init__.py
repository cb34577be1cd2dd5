"""The one door to MLflow: versions, artifacts, model cards and reports."""
