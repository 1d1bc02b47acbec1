"""A run as tables for other programs: CSV, Parquet, SQLite, SQL and OpenMetrics."""
