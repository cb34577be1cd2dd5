"""Who the simulated account holders are, when they act and from where they connect."""
