"""Accounts that break the rules, one module a typology; `cast.VIOLATORS` lists them."""
