"""The JSON endpoints under /v1: they authenticate, validate, call workflows and answer; nothing is decided here."""
