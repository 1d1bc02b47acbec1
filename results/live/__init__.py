"""The progress display, status file and metrics file of a running scan."""
