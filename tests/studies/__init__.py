"""Gates on the simulator: whether its violations are hard enough to find."""
