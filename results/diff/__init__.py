"""The comparison of runs (``mxsweep diff``), and of a run with its recomputed verdicts (``report --rejudge``)."""
