"""JSON Schema and descriptions of the records of a run, and the generated pages of docs/."""
