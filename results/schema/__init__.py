"""JSON Schema and description of the records of a run, and the generated pages of docs/."""
