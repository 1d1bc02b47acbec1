"""The input of a scan: destinations, lists of destinations, and the scope of what may be contacted.

Nothing here imports the scanner.
"""
