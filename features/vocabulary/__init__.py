"""The words features are declared in: windows, aggregates, predicates and their combinations."""
