"""The files of a run directory: writing and reading records as JSON lines."""
