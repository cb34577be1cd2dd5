"""Tests of features.patterns."""
