"""The report of a run: a data model, and its output as text, Markdown, JSON, CSV and HTML."""
