"""Tests of serving.storage."""
