"""Comparison of runs (``mxsweep diff``), and of stored verdicts with recomputed verdicts (``report --rejudge``)."""
