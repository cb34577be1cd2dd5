"""Tests of features.activity."""
