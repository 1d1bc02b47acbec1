"""Tables of a run for a publication, and a manifest of what they were made from."""
