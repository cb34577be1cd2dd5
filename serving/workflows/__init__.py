"""What the system does, one file a thing: each reads, decides by the pure parts, and writes what came of it."""
