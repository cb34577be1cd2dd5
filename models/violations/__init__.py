"""The violation models: one calibrated ensemble a typology."""
