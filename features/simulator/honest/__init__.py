"""The honest agents, one kind a file, and the cast that says how common each is."""
