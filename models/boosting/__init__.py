"""The LightGBM ensemble that violations and M Score share, its search, and its scikit-learn face."""
