"""From activity to vectors: import, facts, patterns, features as data, point-in-time builds, evidence and labels."""
