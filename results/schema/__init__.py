"""The JSON Schema of every record, the description of every field, and the generated pages of docs/."""
