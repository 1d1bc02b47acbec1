"""The files of a run directory: modules that write and read records as JSON lines."""
