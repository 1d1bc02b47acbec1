"""Export of a run as CSV, Parquet, SQLite and OpenMetrics, and SQL queries on a run."""
