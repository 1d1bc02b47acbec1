"""Comparison of runs (``mxsweep diff``), and of stored with recomputed verdicts (``report --rejudge``)."""
