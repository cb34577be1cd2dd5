"""Writes the reference page from the code."""
