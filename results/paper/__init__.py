"""Tables of a run for a publication, and the manifest that says how they were made."""
