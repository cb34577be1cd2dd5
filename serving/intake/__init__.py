"""How what becomes known comes in: into the lake and, where it binds, into the account record."""
