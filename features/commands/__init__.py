"""The commands of the features side, a file for each errand, so that each loads only what it needs."""
