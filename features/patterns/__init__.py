"""What no single aggregate can say: rings, episodes, pairs, with their evidence and the moment they were known."""
