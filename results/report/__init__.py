"""The report of a run: its model, and the same model as text, Markdown, JSON, CSV and a web page."""
