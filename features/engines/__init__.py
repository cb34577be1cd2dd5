"""The engines that run the catalogue's expressions: DuckDB, the default."""
