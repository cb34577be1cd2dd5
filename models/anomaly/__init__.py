"""The anomaly model: what is unusual beside peers and beside an account's own past."""
