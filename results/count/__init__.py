"""Counts of a run: the numbers of domains and MX hosts for each verdict value, reason code and TLS property."""
