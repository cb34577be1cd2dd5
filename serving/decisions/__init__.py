"""One request, one outcome with its reasons."""
