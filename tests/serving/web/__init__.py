"""Tests of serving.web."""
