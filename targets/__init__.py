"""What to scan: destinations, lists of them, and who may be contacted. Knows nothing of the scanner."""
