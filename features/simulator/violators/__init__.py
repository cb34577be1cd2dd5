"""Accounts that break the rules, one module a typology; `cast` finds them."""
