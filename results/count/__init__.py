"""A run in numbers: how many domains and MX hosts each word concerns."""
