"""The files of a run directory: writing records as JSON lines, and reading them again."""
