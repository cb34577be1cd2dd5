"""Tests of serving.workflows."""
