"""The M Score: a monotone model of clean value, its scale, its start without history."""
