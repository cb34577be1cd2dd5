"""Tests of what becomes known."""
