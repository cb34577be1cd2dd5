"""What all three packages use: errors, the console, thresholds, moments, units."""
