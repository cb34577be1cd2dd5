"""A seeded, simulated exchange: activity tables, observed labels and, kept apart, the truth behind them."""
