"""The run over all accounts, and drift."""
