"""Measures: typed, timed, with the clause they rest on."""
