"""Tables of a run for a publication, and a manifest of the sources of the tables."""
