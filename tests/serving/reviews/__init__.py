"""Tests of serving.reviews."""
