"""A scan that is running: its progress display, its status file and its metrics file."""
