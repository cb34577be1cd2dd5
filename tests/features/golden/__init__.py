"""Golden values: what every feature and pattern gives on one small, stored exchange."""
