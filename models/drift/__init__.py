"""Whether what is scored now still looks like what was learned from."""
