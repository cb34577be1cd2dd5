"""Derives facts and episodes from activity, in the order that their reads and writes give."""
