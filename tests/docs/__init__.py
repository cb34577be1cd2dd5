"""The documentation pages, checked against each other and against the code."""
