"""The input of a scan: destinations, lists of destinations, and the names and addresses that may be contacted.

No module of the package ``targets`` imports the package ``scanner``.
"""
