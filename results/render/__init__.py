"""Shared parts of the output formats: descriptions of codes, escapes, tables, terminal layout, OpenMetrics text."""
