"""Migrations: how the database of any earlier version becomes the present one, run by program."""
