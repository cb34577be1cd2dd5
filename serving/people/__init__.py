"""Users, keys, roles, sessions and sign-in."""
