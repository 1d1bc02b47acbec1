"""Benchmarks: what mxsweep costs, measured beside what others cost, in one run on one machine."""
