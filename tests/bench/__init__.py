"""Benchmarks: the cost of mxsweep beside the cost of other programs, measured in one run on one machine."""
