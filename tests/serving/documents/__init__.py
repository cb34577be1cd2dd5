"""Documents as they were stored before they had a schema version, and the tests that they are still read."""
