"""The report of a run: its model, and the model as text, Markdown, JSON, CSV and HTML page."""
