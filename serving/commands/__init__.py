"""The commands of the serving side, a file for each errand, so that each loads only what it needs."""
