"""Tables of a run for a publication, and a manifest of the runs and settings from which the tables were made."""
