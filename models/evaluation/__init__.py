"""How models are split, measured, calibrated and drawn."""
